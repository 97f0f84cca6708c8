import copy

import torch
import torch.nn as nn


class EarlyStopping:
    def __init__(self, patience=2):
        self.patience = patience
        self.best = None
        self.counter = 0
        self.state = None

    def step(self, loss, model):
        if self.best is None or loss < self.best:
            self.best = loss
            self.counter = 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.counter += 1
        return self.counter >= self.patience


model = nn.Linear(3, 1)
stopper = EarlyStopping()
opt = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(10, 3), torch.randn(10, 1)
for epoch in range(5):
    opt.zero_grad()
    loss = (model(x) - y).abs().mean()
    loss.backward()
    opt.step()
    value = loss.item()
    if stopper.step(value, model):
        break
if stopper.state is not None:
    model.load_state_dict(stopper.state)
print(stopper.best)
