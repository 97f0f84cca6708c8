import torch
from torch import nn

rnn = nn.LSTM(4, 8, num_layers=2, batch_first=True)
head = nn.Linear(8, 1)
opt = torch.optim.SGD(list(rnn.parameters()) + list(head.parameters()), lr=0.1)
state = None
total = 0
for step in range(4):
    x = torch.randn(3, 5, 4)
    if state is not None:
        state = tuple(s.detach() for s in state)
    out, state = rnn(x, state)
    h, c = state
    loss = head(out[:, -1]).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    total += loss.detach()
print(total / 4, h.shape, c.requires_grad)
