;;; oakum.el --- Find resource leaks in PyTorch and TensorFlow code -*- lexical-binding: t -*-

;; Copyright (c) 2026 Oakum contributors

;; Author: Oakum contributors
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: languages, tools
;; URL: https://oakum.readthedocs.io/
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Oakum underlines what keeps memory for longer than its author can have
;; meant, says what is kept and by whom, and offers fixes.  The server is a
;; program of its own: `uv tool install oakum', or `pipx install oakum'.
;;
;; With lsp-mode it runs beside the server that you have for Python:
;;
;;   (use-package oakum :hook (python-mode . oakum-setup))
;;
;; Eglot speaks with one server in a buffer, so there it takes the place of
;; another one.  The commands below need no server: with them, findings can be
;; had beside any.
;;
;;   M-x oakum-explain   the page of the rule at point, or of one you choose
;;   M-x oakum-check     the whole project, in a compilation buffer
;;   M-x oakum-fix       all fixes of the file that are safe

;;; Code:

(require 'compile)
(require 'json)
(require 'project)
(require 'seq)

(declare-function eglot-ensure "eglot")
(declare-function eglot-current-server "eglot")
(declare-function lsp "lsp-mode")
(declare-function lsp-register-client "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")
(declare-function lsp-activate-on "lsp-mode")
(declare-function lsp-configuration-section "lsp-mode")
(declare-function lsp-cur-line-diagnostics "lsp-diagnostics")
(declare-function lsp:diagnostic-code? "lsp-protocol")
(declare-function make-lsp-client "lsp-mode")
(declare-function flymake-diagnostics "flymake")
(declare-function flymake-diagnostic-text "flymake")
(defvar eglot-server-programs)

(defgroup oakum nil
  "Find resource leaks in PyTorch and TensorFlow code."
  :group 'tools
  :prefix "oakum-")

(defcustom oakum-command '("oakum")
  "The command `oakum', with arguments that come before its own."
  :type '(repeat string))

(defcustom oakum-settings nil
  "Settings on top of those of the project, as a property list.
For example (:ignore [\"PT01\"] :severity (:PT05 \"hint\"))."
  :type 'plist)

(defcustom oakum-client (if (locate-library "lsp-mode") 'lsp-mode 'eglot)
  "The client of language servers that `oakum-setup' starts."
  :type '(choice (const lsp-mode) (const eglot)))

;;;###autoload
(defun oakum-setup ()
  "Have this buffer watched for leaks."
  (interactive)
  (if (eq oakum-client 'lsp-mode)
      (progn (require 'lsp-mode) (lsp))
    (require 'eglot)
    (add-to-list 'eglot-server-programs '((python-mode python-ts-mode) . oakum--eglot))
    (eglot-ensure)))

;;; Clients

(defun oakum--server (&rest _)
  "Return the command that starts the server."
  (append oakum-command '("server")))

(defun oakum--eglot (&rest _)
  "Return the server as eglot is to start it."
  (append (oakum--server) (list :initializationOptions (or oakum-settings '(:enable t)))))

(with-eval-after-load 'lsp-mode
  (lsp-register-client
   (make-lsp-client
    :new-connection (lsp-stdio-connection #'oakum--server)
    :activation-fn (lsp-activate-on "python")
    :server-id 'oakum
    :priority -1
    :add-on? t
    :initialization-options (lambda () (or oakum-settings '(:enable t))))))

;;; Commands

(defun oakum--run (input &rest arguments)
  "Return what the command prints when it is given INPUT, a string, and ARGUMENTS.
That it found something, exit status 1, is no failure."
  (with-temp-buffer
    (insert input)
    (let* ((coding-system-for-read 'utf-8)
           (coding-system-for-write 'utf-8)
           (status (apply #'call-process-region (point-min) (point-max) (car oakum-command) t '(t nil) nil
                          (append (cdr oakum-command) arguments))))
      (unless (memq status '(0 1))
        (error "`oakum %s' fails: %s" (car arguments) status))
      (buffer-string))))

(defun oakum--rules ()
  "Return the rules, an alist from what is shown of one to its code."
  (mapcar (lambda (rule)
            (let ((code (alist-get 'code rule)))
              (cons (format "%s %s" code (alist-get 'smell rule)) code)))
          (json-parse-string (oakum--run "" "rules" "--output-format" "json")
                             :object-type 'alist :array-type 'list)))

(defun oakum--codes-here ()
  "Return what names the findings in this line, as the client has it."
  (cond ((bound-and-true-p lsp-mode)
         (mapcar (lambda (it) (format "%s" (lsp:diagnostic-code? it))) (append (lsp-cur-line-diagnostics) nil)))
        ((bound-and-true-p flymake-mode)
         (mapcar #'flymake-diagnostic-text (flymake-diagnostics (line-beginning-position) (line-end-position))))))

(defun oakum--rule-at-point (rules)
  "Return what RULES call the rule of a finding in this line, nil without one."
  (let ((here (string-join (oakum--codes-here) "\n")))
    (car (seq-find (lambda (rule) (string-match-p (format "\\_<%s\\_>" (cdr rule)) here)) rules))))

;;;###autoload
(defun oakum-explain (code)
  "Show the page of the rule CODE."
  (interactive
   (let* ((rules (oakum--rules))
          (here (oakum--rule-at-point rules))
          (chosen (completing-read (format-prompt "Explain" here) rules nil t nil nil here)))
     (list (alist-get chosen rules nil nil #'equal))))
  (let ((text (oakum--run "" "explain" code))
        (buffer (get-buffer-create (format "*oakum %s*" code))))
    (with-current-buffer buffer
      (let ((inhibit-read-only t))
        (erase-buffer)
        (insert text))
      (goto-char (point-min))
      (if (fboundp 'gfm-view-mode) (gfm-view-mode) (special-mode)))
    (pop-to-buffer buffer)))

;;;###autoload
(defun oakum-check ()
  "Check the whole project in a compilation buffer."
  (interactive)
  (let ((default-directory (if (project-current) (project-root (project-current)) default-directory))
        (compilation-environment (cons "NO_COLOR=1" compilation-environment)))
    (compilation-start
     (mapconcat #'shell-quote-argument (append oakum-command '("check" "--output-format" "concise" ".")) " ")
     nil (lambda (_) "*oakum check*"))))

;;;###autoload
(defun oakum-fix ()
  "Make all fixes of this buffer that can't change what the program means."
  (interactive)
  (let ((name (file-local-name (or buffer-file-name "buffer.py")))
        (buffer (current-buffer))
        (text (buffer-substring-no-properties (point-min) (point-max))))
    (with-temp-buffer
      (insert (oakum--run text "fix" "--stdin-filename" name "-"))
      (let ((fixed (current-buffer)))
        (with-current-buffer buffer
          (replace-buffer-contents fixed))))))

(provide 'oakum)
;;; oakum.el ends here
