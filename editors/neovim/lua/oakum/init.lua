--- The subcommands of :Oakum.

local M = {}

--- The program that the server is started with, for questions that are answered beside it.
---@return string
function M.program()
  local cmd = (vim.lsp.config.oakum or {}).cmd
  return type(cmd) == "table" and cmd[1] or "oakum"
end

---@param message string
---@param level? integer
local function say(message, level)
  vim.notify("Oakum: " .. message, level or vim.log.levels.INFO)
end

--- Run the program; `done` gets what it printed. Its exit status 1 means that it found something.
---@param arguments string[]
---@param done fun(output: string)
local function run(arguments, done)
  local command = vim.list_extend({ M.program() }, arguments)
  local started, problem = pcall(vim.system, command, { text = true }, function(result)
    vim.schedule(function()
      if result.code > 1 then
        say(vim.trim(result.stderr ~= "" and result.stderr or "ended with status " .. result.code), vim.log.levels.ERROR)
      else
        done(result.stdout)
      end
    end)
  end)
  if not started then
    say(tostring(problem), vim.log.levels.ERROR)
  end
end

---@return vim.lsp.Client[]
local function clients()
  return vim.lsp.get_clients({ name = "oakum" })
end

---@return table[]
local function rules()
  local result = vim.system({ M.program(), "rules", "--output-format", "json" }, { text = true }):wait()
  return vim.json.decode(result.stdout)
end

--- Show a page of Markdown in a split that `q` closes.
---@param name string
---@param text string
local function page(name, text)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(vim.trim(text), "\n"))
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].bufhidden = "wipe"
  vim.bo[buffer].filetype = "markdown"
  vim.cmd.split()
  vim.api.nvim_win_set_buf(0, buffer)
  pcall(vim.api.nvim_buf_set_name, buffer, "oakum://" .. name)
  vim.keymap.set("n", "q", "<Cmd>close<CR>", { buffer = buffer, desc = "Close the page" })
end

--- The rule of the finding under the cursor, or else of the first one in the line.
---@return string?
local function rule_here()
  local line, column = vim.api.nvim_win_get_cursor(0)[1] - 1, vim.api.nvim_win_get_cursor(0)[2]
  local found
  for _, item in ipairs(vim.diagnostic.get(0, { lnum = line })) do
    if item.source == "oakum" then
      found = found or item.code
      if item.col <= column and column < item.end_col then
        return tostring(item.code)
      end
    end
  end
  return found and tostring(found)
end

local subcommands = {}

--- Make all fixes of this file that can't change what the program means.
function subcommands.fix()
  vim.lsp.buf.code_action({ context = { only = { "source.fixAll.oakum" }, diagnostics = {} }, apply = true })
end

--- Show a rule's page: the one that is named, that of the finding here, or one that is chosen.
function subcommands.explain(code)
  code = code or rule_here()
  if code then
    return run({ "explain", code }, function(text)
      page(code, text)
    end)
  end
  vim.ui.select(rules(), {
    prompt = "Explain",
    format_item = function(rule)
      return ("%s %s: %s"):format(rule.code, rule.smell, rule.page:match("[^\n]*"))
    end,
  }, function(rule)
    if rule then
      subcommands.explain(rule.code)
    end
  end)
end

--- Check the whole workspace, or what is named, into the quickfix list.
function subcommands.check(...)
  local client = clients()[1]
  local paths = select("#", ...) > 0 and { ... } or { client and client.root_dir or vim.fn.getcwd() }
  local kinds = { warning = "W", information = "I", hint = "N" }
  run(vim.list_extend({ "check", "--output-format", "json" }, paths), function(output)
    local items = vim.tbl_map(function(item)
      return {
        filename = item.path,
        lnum = item.line,
        col = item.column,
        end_lnum = item.end_line,
        end_col = item.end_column,
        type = kinds[item.level],
        text = ("%s %s"):format(item.code, item.message),
      }
    end, vim.json.decode(output))
    vim.fn.setqflist({}, " ", { title = "Oakum", items = items })
    if #items > 0 then
      vim.cmd.copen()
    else
      say("found no leak")
    end
  end)
end

--- Show no findings, or show them again. Neovim 0.11 asks for no others when settings change, so the server isn't told.
function subcommands.toggle()
  for number, namespace in pairs(vim.diagnostic.get_namespaces()) do
    if namespace.name:find("lsp.oakum.", 1, true) then
      local filter = { ns_id = number }
      vim.diagnostic.enable(not vim.diagnostic.is_enabled(filter), filter)
    end
  end
end

--- Start the server anew.
function subcommands.restart()
  local buffers = {}
  for _, client in ipairs(clients()) do
    vim.list_extend(buffers, vim.tbl_keys(client.attached_buffers))
    client:stop()
  end
  vim.wait(3000, function()
    return #clients() == 0
  end, 20)
  for _, buffer in ipairs(buffers) do
    if vim.api.nvim_buf_is_loaded(buffer) then
      vim.api.nvim_exec_autocmds("FileType", { group = "nvim.lsp.enable", buffer = buffer })
    end
  end
end

--- Show what the server logs.
function subcommands.log()
  vim.cmd.tabedit(vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path())
end

---@param arguments string[]
function M.command(arguments)
  local run_it = subcommands[arguments[1]]
  if not run_it then
    return say(("there is no :Oakum %s, but %s"):format(arguments[1], table.concat(M.complete("", "Oakum "), ", ")), vim.log.levels.ERROR)
  end
  run_it(unpack(arguments, 2))
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(vim.trim(line), "%s+")
  local first = #words == 1 or (#words == 2 and lead ~= "")
  local candidates = {}
  if first then
    candidates = vim.tbl_keys(subcommands)
  elseif words[2] == "explain" then
    candidates = vim.tbl_map(function(rule)
      return rule.code
    end, rules())
  elseif words[2] == "check" then
    return vim.fn.getcompletion(lead, "file")
  end
  table.sort(candidates)
  return vim.tbl_filter(function(candidate)
    return vim.startswith(candidate, lead)
  end, candidates)
end

return M
