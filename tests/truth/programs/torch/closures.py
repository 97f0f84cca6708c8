import functools

import torch


def make_loss(weight, reduction="mean"):
    def loss(pred, target):
        error = weight * (pred - target) ** 2
        return error.mean() if reduction == "mean" else error

    return loss


w = torch.nn.Parameter(torch.tensor(1.0))
mse = make_loss(2.0)
raw = make_loss(2.0, reduction="none")
scaled = functools.partial(mse, target=torch.zeros(3))
x = torch.randn(3)
a = mse(w * x, x)
b = raw(w * x, x)
c = scaled(w * x)
d = mse(x, x)
opt = torch.optim.LBFGS([w])


def closure():
    opt.zero_grad()
    value = mse(w * x, torch.ones(3))
    value.backward()
    return value


last = opt.step(closure)
print(a, b, c, d, last)
