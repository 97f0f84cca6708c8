import torch
from torch import nn

net = nn.Linear(2, 2)
xs = [torch.randn(3, 2) for _ in range(4)]
outs = [net(x) for x in xs]
named = {f"out{i}": out for i, out in enumerate(outs)}
free = [o.detach() for o in outs]
pairs = list(zip(xs, outs))
best = max(outs, key=lambda o: o.sum().item())
total = sum(o.sum() for o in outs)
first, *rest = outs
joined = torch.cat(outs)
freed = torch.cat(free)
grown = []
more, others = [], []
for x, out in pairs:
    grown += [out]
    more.append(out.mean())
    others.extend([x, x])
mean = torch.stack(more).mean()
wide = torch.stack(grown)
plain = torch.cat(others)
middle = named["out1"]
top = outs[-1]
for key, value in named.items():
    norm = value.norm()
print(best, total, first, len(rest), joined, freed, mean, wide, plain, middle, top, norm, key)
