" vim -Nu ale.vim -n, in a folder of its own: Oakum as a linter of ALE, set up as docs/editors/vim.md shows.
set nocompatible encoding=utf-8 hidden noswapfile
execute 'source ' . fnameescape($OAKUM_VIMRC)
let g:ale_linters_explicit = 1
let g:ale_linters = {'python': ['oakum']}
let g:ale_hover_cursor = 0
let g:ale_cursor_detail = 0
packadd! ale
filetype plugin on
let s:start = reltime()

let s:leak = ['import torch', '', 'torch.autograd.detect_anomaly()', 'model = torch.nn.Linear(2, 2)',
  \ 'optimizer = torch.optim.SGD(model.parameters(), 0.1)', 'total = 0', 'for x in range(10):', '    optimizer.zero_grad()',
  \ '    loss = model(torch.zeros(2)).sum()', '    loss.backward()', '    optimizer.step()', '    total += loss', 'print(total)']

function! Say(text) abort
  call writefile([printf('  %.1f s  %s', reltimefloat(reltime(s:start)), a:text)], 'said', 'a')
endfunction

function! Fail(text) abort
  call Say('FAILED: ' . a:text)
  cquit
endfunction

function! WaitFor(what, Condition) abort
  for l:turn in range(400)
    if a:Condition()
      return
    endif
    sleep 50m
  endfor
  call Fail(a:what . '; there is ' . string(getloclist(0)))
endfunction

function! Test() abort
  call writefile(s:leak, 'train.py')
  call writefile([], 'pyproject.toml')
  edit train.py
  call WaitFor('two findings', {-> len(getloclist(0)) == 2})
  let l:found = getloclist(0)[1]
  if [l:found.lnum, l:found.col] != [12, 14] || l:found.text !~# 'keeps the graph'
    call Fail(string(l:found))
  endif
  call Say('findings')
  call cursor(12, 14)
  ALEHover
  call WaitFor('a preview window', {-> !empty(filter(range(1, winnr('$')), {_, n -> getwinvar(n, '&previewwindow')}))})
  pclose
  call Say('the hover')
  call cursor(12, 14)
  ALECodeAction
  call feedkeys("1\<CR>", 't')
  call WaitFor('the fix', {-> getline(12) ==# '    total += loss.item()'})
  silent write
  call WaitFor('one finding', {-> len(getloclist(0)) == 1})
  if readfile('train.py')[11] !=# '    total += loss.item()'
    call Fail('not on disk')
  endif
  call Say('fixed, saved')
  qall!
endfunction

autocmd VimEnter * call timer_start(10, {-> Test()})
