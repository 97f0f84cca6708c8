import torch
import torch.nn as nn

model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
x = torch.randn(3, 4)
y = torch.tensor([0, 1, 0])
delta = torch.zeros_like(x, requires_grad=True)
for _ in range(3):
    loss = nn.functional.cross_entropy(model(x + delta), y)
    loss.backward()
    step = 0.1 * delta.grad.detach().sign()
    delta.data = (delta + step).clamp(-0.3, 0.3)
    delta.grad.zero_()
adversarial = (x + delta).detach()
changed = model(adversarial).argmax(1) != y
variable = x.clone().detach().requires_grad_(True)
score = model(variable)[:, 0].sum()
(saliency,) = torch.autograd.grad(score, variable)
print(changed.sum().item(), saliency.abs().mean().item())
