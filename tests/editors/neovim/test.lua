-- nvim --headless -u init.lua -c "luafile test.lua"; the working folder is a workspace of its own.

local LEAK = [[
import torch
import os

# %% train
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
total = 0
for x in range(10):
    optimizer.zero_grad()
    loss = model(torch.zeros(2)).sum()
    loss.backward()
    optimizer.step()
    print("é🎉"); total += loss

# %% debug
torch.autograd.detect_anomaly()
print(total)
]]

local start = vim.uv.hrtime()
local function say(text)
  io.stdout:write(("  %.1f s  %s\n"):format((vim.uv.hrtime() - start) / 1e9, text))
end
local codes
local function wait(what, condition)
  if not vim.wait(20000, condition, 20) then
    error("waited in vain: " .. what .. "; there is " .. codes())
  end
end
local function lines(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer or 0, 0, -1, false), "\n")
end
local function found()
  local items = vim.tbl_filter(function(item)
    return item.source == "oakum"
  end, vim.diagnostic.get(0))
  table.sort(items, function(one, other)
    return one.lnum < other.lnum
  end)
  return items
end
function codes()
  return table.concat(vim.tbl_map(function(item)
    return item.code
  end, found()), " ")
end
--- How many stretches are underlined, ruff's as well.
local function underlined()
  local marks = 0
  for name, namespace in pairs(vim.api.nvim_get_namespaces()) do
    if name:find("diagnostic.underline", 1, true) then
      marks = marks + #vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, {})
    end
  end
  return marks
end
local function client()
  return vim.lsp.get_clients({ name = "oakum" })[1]
end
local function check(condition, what)
  if not condition then
    error(what)
  end
end

local function write(name, text)
  local file = assert(io.open(name, "w"))
  file:write(text)
  file:close()
end

local function test()
  write("pyproject.toml", "")
  write("train.py", LEAK)
  write("closed.py", LEAK)
  vim.cmd.edit("train.py")
  local buffer = vim.api.nvim_get_current_buf()
  wait("both servers are attached", function()
    return #vim.lsp.get_clients({ bufnr = buffer }) == 2
  end)
  wait("two findings", function()
    return codes() == "PT07 PT16"
  end)
  local item = found()[1]
  check(LEAK:match("[^\n]*total %+= loss"):sub(item.col + 1, item.end_col) == "loss", "columns are wrong behind an emoji")
  say("findings, in the right columns: " .. codes())

  vim.api.nvim_win_set_cursor(0, { item.lnum + 1, item.col })
  vim.lsp.buf.hover()
  local float
  wait("a float with the reason", function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= "" then
        float = window
        return lines(vim.api.nvim_win_get_buf(window)):find("keeps the graph", 1, true) ~= nil
      end
    end
  end)
  vim.api.nvim_win_close(float, true)
  say("the hover tells why")

  vim.cmd("Oakum explain")
  wait("the page of the rule under the cursor", function()
    return vim.bo.filetype == "markdown" and lines():find("# PT07", 1, true) ~= nil
  end)
  vim.api.nvim_feedkeys("q", "x", false)
  check(vim.api.nvim_get_current_buf() == buffer, "q doesn't close the page")
  say("its page")

  local offered = {}
  vim.ui.select = function(items, _, choose)
    offered = vim.tbl_map(function(entry)
      return entry.action.title
    end, items)
    for index, entry in ipairs(items) do
      if entry.action.title:find(".item()", 1, true) then
        return choose(entry, index)
      end
    end
  end
  vim.lsp.buf.code_action()
  wait("the fix is made", function()
    return lines():find("total += loss.item()", 1, true) ~= nil
  end)
  local times = {}
  for _, title in ipairs(offered) do
    check(not times[title], "offered twice: " .. title)
    times[title] = true
  end
  wait("one finding is left", function()
    return codes() == "PT16"
  end)
  say("fixed, of " .. #offered .. " actions: " .. table.concat(offered, " | "))

  vim.cmd("Oakum fix")
  wait("the safe fix is made", function()
    return not lines():find("detect_anomaly", 1, true)
  end)
  check(lines():find("import os", 1, true), "another server's fixes were made as well")
  wait("no finding is left", function()
    return codes() == ""
  end)
  vim.cmd("silent write")
  local written = assert(io.open("train.py")):read("*a")
  check(written == LEAK:gsub("%+= loss", "+= loss.item()"):gsub("torch%.autograd%.detect_anomaly%(%)\n", ""), written)
  say(":Oakum fix, beside ruff; saved")

  vim.cmd("Oakum check")
  wait("the quickfix list", function()
    return #vim.fn.getqflist() == 2
  end)
  check(vim.fn.bufname(vim.fn.getqflist()[1].bufnr):find("closed.py", 1, true), "not closed.py")
  vim.cmd.cclose()
  say(":Oakum check")

  vim.cmd.edit("closed.py")
  wait("two findings", function()
    return codes() == "PT07 PT16"
  end)
  local shown = underlined()
  vim.cmd("Oakum toggle")
  check(underlined() == shown - 2, "still underlined")
  vim.cmd("Oakum toggle")
  check(underlined() == shown, "not underlined again")
  local before = client().id
  vim.cmd("Oakum restart")
  wait("another server, and its findings", function()
    return client() and client().id ~= before and codes() == "PT07 PT16"
  end)
  say(":Oakum toggle, :Oakum restart")

  check(vim.list_contains(require("oakum").complete("PT0", "Oakum explain PT0"), "PT07"), "codes are not completed")
  check(vim.deep_equal(require("oakum").complete("ch", "Oakum ch"), { "check" }), "subcommands are not completed")
  vim.cmd("checkhealth oakum")
  local health = lines()
  check(not health:find("ERROR") and not health:find("WARN"), health)
  check(health:find("is attached to", 1, true), health)
  say(":checkhealth oakum")

  vim.cmd("helptags " .. vim.fn.fnameescape(vim.api.nvim_get_runtime_file("doc/oakum.txt", false)[1]:match("(.*)/")))
  vim.cmd("help :Oakum")
  check(lines():find("COMMANDS", 1, true), "no help")
  say(":help :Oakum")

  for _, running in ipairs(vim.lsp.get_clients()) do
    running:stop()
  end
  wait("the servers have ended", function()
    return #vim.lsp.get_clients() == 0
  end)
end

local passed, problem = xpcall(test, debug.traceback)
if not passed then
  io.stdout:write(problem .. "\n")
end
os.exit(passed and 0 or 1)
