;;; eglot-test.el --- Oakum by eglot -*- lexical-binding: t -*-
;; emacs --batch --eval '(package-initialize)' -l eglot-test.el, in a folder of its own

(load (expand-file-name "common" (file-name-directory load-file-name)) nil t)
(require 'eglot)
(setq eglot-sync-connect 30 eglot-connect-timeout 60 eglot-confirm-server-initiated-edits nil
      oakum-client 'eglot oakum-settings '(:severity (:PT16 "hint")))

(run
 (lambda ()
   (open-file "train.py")
   (oakum-setup)
   (run-hooks 'post-command-hook)       ; `eglot-ensure' waits for the end of a command
   (wait-for "a server" #'eglot-current-server)
   (let ((found (findings 2)))
     (cl-assert (equal (mapcar #'text-of found) '("torch.autograd.detect_anomaly()" "loss")) t)
     (cl-assert (equal (mapcar #'flymake-diagnostic-type found) '(eglot-note eglot-warning)) t)
     (say "findings, in the right columns, at the level of the settings")
     (goto-char (flymake-diagnostic-beg (cadr found))))
   (let (told)
     (eglot-hover-eldoc-function (lambda (text &rest _) (setq told text)))
     (wait-for "a hover" (lambda () told))
     (cl-assert (string-match-p "keeps the graph" told) t))
   (say "the hover tells why")
   (test-commands)
   (findings 1)
   (goto-char (point-min))
   (search-forward "total += ")
   (let* ((last-nonmenu-event ?\r)      ; nil, as in batch mode, is taken for a mouse
          (here (point)))
     (cl-letf (((symbol-function 'completing-read)
                (lambda (_prompt actions &rest _) (car (seq-find (lambda (it) (string-match-p "item()" (car it))) actions)))))
       (eglot-code-actions here (1+ here) "quickfix" t)))
   (wait-for "the fix" (lambda () (string-match-p "total \\+= loss\\.item()" (buffer-string))))
   (save-buffer)
   (findings 0)
   (cl-assert (string-match-p "; total \\+= loss\\.item()\n" (on-disk "train.py")))
   (say "fixed, saved")
   (eglot-shutdown (eglot-current-server))))
