if vim.g.loaded_oakum or vim.fn.has("nvim-0.11") == 0 then
  return
end
vim.g.loaded_oakum = true

if vim.g.oakum_enable ~= false then
  vim.lsp.enable("oakum")
end

vim.api.nvim_create_user_command("Oakum", function(call)
  require("oakum").command(call.fargs)
end, {
  nargs = "+",
  desc = "Find and fix resource leaks in PyTorch, TensorFlow and Keras code",
  complete = function(lead, line)
    return require("oakum").complete(lead, line)
  end,
})
