;;; lsp-mode-test.el --- Oakum by lsp-mode -*- lexical-binding: t -*-
;; emacs --batch --eval '(package-initialize)' -l lsp-mode-test.el, in a folder of its own

(load (expand-file-name "common" (file-name-directory load-file-name)) nil t)
(require 'lsp-mode)
(require 'lsp-diagnostics)
(setq lsp-session-file (expand-file-name "lsp-session") lsp-keep-workspace-alive nil lsp-restart 'ignore
      lsp-enable-suggest-server-download nil lsp-enable-file-watchers nil lsp-auto-guess-root t
      lsp-diagnostics-provider :flymake lsp-headerline-breadcrumb-enable nil lsp-lens-enable nil lsp-enable-snippet nil
      lsp-modeline-code-actions-enable nil lsp-idle-delay 0.1 lsp-warn-no-matched-clients nil lsp-client-packages nil
      oakum-client 'lsp-mode oakum-settings '(:severity (:PT16 "hint")))
;; Another server for Python, as most have one.
(lsp-register-client
 (make-lsp-client :new-connection (lsp-stdio-connection '("ruff" "server"))
                  :activation-fn (lsp-activate-on "python") :server-id 'another :priority 0))

(defun flush ()
  "Send changes that wait to be sent; batch mode runs no timer for them."
  (lsp-on-change (point-min) (point-min) 0))

(run
 (lambda ()
   (setq leak (string-replace "🎉" "" leak)) ; lsp-mode counts characters where the protocol counts UTF-16 units
   (open-file "train.py")
   (lsp-workspace-folders-add default-directory)
   (oakum-setup)
   (wait-for "both servers"
             (lambda () (= 2 (seq-count (lambda (it) (eq 'initialized (lsp--workspace-status it))) (lsp-workspaces)))))
   (cl-flet ((ours () (seq-filter (lambda (it) (string-match-p "keeps the graph\\|no effect" (flymake-diagnostic-text it)))
                                  (progn (flymake-start nil) (flymake-diagnostics)))))
     (wait-for "two findings" (lambda () (= 2 (length (ours)))))
     (let ((found (sort (ours) (lambda (one other) (< (flymake-diagnostic-beg one) (flymake-diagnostic-beg other))))))
       (cl-assert (equal (mapcar #'text-of found) '("torch.autograd.detect_anomaly()" "loss")) t)
       (goto-char (flymake-diagnostic-beg (cadr found))))
     (say "findings beside another server, in the right columns")
     (let ((told (lsp-request "textDocument/hover" (lsp--text-document-position-params))))
       (cl-assert (string-match-p "keeps the graph" (lsp--render-on-hover-content (lsp:hover-contents told) t)) t))
     (say "the hover tells why")
     (test-check)
     (goto-char (flymake-diagnostic-beg (car (last (ours)))))
     (test-commands)
     (flush)
     (wait-for "one finding" (lambda () (= 1 (length (ours)))))
     (goto-char (point-min))
     (search-forward "total += ")
     (let* ((actions (append (lsp-code-actions-at-point) nil))
            (titles (mapcar #'lsp:code-action-title actions)))
       (cl-assert (= (length titles) (length (delete-dups (copy-sequence titles)))) t)
       (lsp-execute-code-action (seq-find (lambda (it) (string-match-p "item()" (lsp:code-action-title it))) actions)))
     (wait-for "the fix" (lambda () (string-match-p "total \\+= loss\\.item()" (buffer-string))))
     (flush)
     (let ((inhibit-message t)) (save-buffer))
     (wait-for "no finding" (lambda () (null (ours)))))
   (cl-assert (string-match-p "; total \\+= loss\\.item()\n" (on-disk "train.py")))
   (say "fixed, saved")))
