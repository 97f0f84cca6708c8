-- A user's configuration that has the plugin, and ruff beside it.
local root = vim.fs.normalize(vim.fs.joinpath(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)), "../../.."))
vim.opt.runtimepath:prepend(root .. "/editors/neovim")
vim.lsp.config("oakum", { settings = { oakum = { severity = { PT01 = "hint" } } } })
vim.lsp.config("ruff", { cmd = { "ruff", "server" }, filetypes = { "python" }, root_markers = { "pyproject.toml" } })
vim.lsp.enable("ruff")
