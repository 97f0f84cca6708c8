---@type vim.lsp.Config
return {
  cmd = { "oakum", "server" },
  filetypes = { "python" },
  root_markers = { "pyproject.toml", "setup.py", "requirements.txt", ".git" },
  settings = { oakum = {} },
}
