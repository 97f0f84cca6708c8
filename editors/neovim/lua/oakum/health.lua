--- :checkhealth oakum

local M = {}

function M.check()
  local health = vim.health
  health.start("oakum")

  if vim.fn.has("nvim-0.11") == 0 then
    return health.error("Neovim is older than 0.11", { "Update Neovim, or start the server with vim.lsp.start(): see :help oakum-older" })
  end
  health.ok("Neovim " .. tostring(vim.version()))

  local program = require("oakum").program()
  if vim.fn.executable(program) == 0 then
    return health.error(("`%s` is not executable"):format(program), {
      "Install it: uv tool install oakum, pipx install oakum, or pip install oakum",
      'Or say where it is: vim.lsp.config("oakum", { cmd = { "/path/to/oakum", "server" } })',
    })
  end
  local result = vim.system({ program, "--version" }, { text = true }):wait()
  if result.code ~= 0 then
    return health.error(("`%s --version` fails"):format(program), vim.split(vim.trim(result.stderr), "\n"))
  end
  health.ok(("%s (%s)"):format(vim.trim(result.stdout), vim.fn.exepath(program)))

  if vim.lsp.is_enabled and not vim.lsp.is_enabled("oakum") then
    health.warn("the server is not enabled", { 'vim.lsp.enable("oakum")' })
  end
  local clients = vim.lsp.get_clients({ name = "oakum" })
  if #clients == 0 then
    return health.info("no server runs: it starts with the first Python file")
  end
  for _, client in ipairs(clients) do
    local version = (client.server_info or {}).version or "an unknown version"
    health.ok(("a server of %s is attached to %d buffers, root %s"):format(version, vim.tbl_count(client.attached_buffers), client.root_dir or "none"))
  end
end

return M
