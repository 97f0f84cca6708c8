import copy

import torch
from torch import nn


class EMA:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = {name: p.data.clone() for name, p in model.named_parameters()}

    def update(self, model):
        for name, param in model.named_parameters():
            if param.requires_grad:
                new = (1.0 - self.decay) * param.data + self.decay * self.shadow[name]
                self.shadow[name] = new.clone()


net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
ema = EMA(net, 0.9)
twin = copy.deepcopy(net)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    x = torch.randn(4, 2)
    loss = net(x).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    ema.update(net)
    with torch.no_grad():
        for a, b in zip(twin.parameters(), net.parameters()):
            a.mul_(0.9).add_(b, alpha=0.1)
gap = sum((a - b).abs().sum().item() for a, b in zip(twin.parameters(), net.parameters()))
print(gap, ema.shadow["0.weight"].shape)
