;;; common.el --- What the tests of both clients share -*- lexical-binding: t -*-

(require 'cl-lib)
(require 'flymake)
(require 'python)

(setq make-backup-files nil create-lockfiles nil auto-save-default nil)
(load (expand-file-name "../../../editors/emacs/oakum" (file-name-directory (or load-file-name buffer-file-name))) nil t)

(defvar leak "import torch

torch.autograd.detect_anomaly()
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
total = 0
for x in range(10):
    optimizer.zero_grad()
    loss = model(torch.zeros(2)).sum()
    loss.backward()
    optimizer.step()
    print(\"é🎉\"); total += loss
print(total)
")

(call-process "git" nil nil nil "init" "--quiet") ; a project of its own

(defvar start (float-time))

(defun say (text &rest arguments)
  (princ (format "  %.1f s  %s\n" (- (float-time) start) (apply #'format text arguments))))

(defun wait-for (what condition)
  (let ((end (+ (float-time) 40)) found)
    (while (and (not (setq found (funcall condition))) (< (float-time) end))
      (sleep-for 0.05))
    (or found (error "Waited in vain: %s; there is %S" what (mapcar #'flymake-diagnostic-text (flymake-diagnostics))))))

(defun open-file (name)
  "A buffer that visits the leaking file NAME; flymake waits until it is shown."
  (let ((coding-system-for-write 'utf-8))
    (with-temp-file name (insert leak)))
  (switch-to-buffer (find-file-noselect name)))

(defun on-disk (name)
  (with-temp-buffer (insert-file-contents name) (buffer-string)))

(defun findings (count)
  "Wait for so many findings; batch mode runs none of flymake's timers."
  (flymake-start nil)
  (wait-for (format "%d findings" count) (lambda () (= count (length (flymake-diagnostics)))))
  (sort (flymake-diagnostics) (lambda (one other) (< (flymake-diagnostic-beg one) (flymake-diagnostic-beg other)))))

(defun text-of (finding)
  (buffer-substring-no-properties (flymake-diagnostic-beg finding) (flymake-diagnostic-end finding)))

(defun test-commands ()
  "The commands, with point at the finding of the loss."
  (cl-letf (((symbol-function 'completing-read)
             (lambda (_prompt rules &rest _) (caar (seq-filter (lambda (rule) (equal (cdr rule) "PT07")) rules)))))
    (save-window-excursion
      (call-interactively #'oakum-explain)
      (cl-assert (string-match-p "Accumulate numbers" (buffer-string)) t)))
  (cl-assert (string-prefix-p "PT07" (oakum--rule-at-point (oakum--rules))) t)
  (say "the rule at point, and its page")
  (oakum-fix)
  (cl-assert (not (string-match-p "detect_anomaly" (buffer-string))) t)
  (say "all that is safe is fixed"))

(defun test-check ()
  "The check of the whole project. Under eglot, batch mode never learns that it has ended."
  (save-window-excursion
    (let ((buffer (oakum-check)))
      (wait-for "the check" (lambda ()
                               (accept-process-output (get-buffer-process buffer) 0.1)
                               (not (get-buffer-process buffer))))
      (with-current-buffer buffer
        (cl-assert (string-match-p "train\\.py:12:" (buffer-string)) t)
        (goto-char (point-min))
        (next-error)))
    (cl-assert (equal (file-name-nondirectory buffer-file-name) "train.py"))
    (cl-assert (= (line-number-at-pos) 3)))
  (say "the project is checked, and `next-error' goes there"))

(defun run (test)
  (condition-case problem
      (progn (funcall test) (kill-emacs 0))
    (error (princ (format "FAILED: %S\n" problem)) (kill-emacs 1))))
