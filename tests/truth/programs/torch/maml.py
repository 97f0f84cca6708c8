import torch
import torch.nn.functional as F

w = torch.randn(3, 1, requires_grad=True)
meta = torch.optim.SGD([w], lr=0.01)
for it in range(2):
    meta_loss = 0
    for task in range(3):
        x = torch.randn(5, 3)
        y = x.sum(1, keepdim=True)
        inner = F.mse_loss(x @ w, y)
        (grad,) = torch.autograd.grad(inner, [w], create_graph=True)
        fast = w - 0.1 * grad
        meta_loss = meta_loss + F.mse_loss(x @ fast, y)
    meta.zero_grad()
    meta_loss.backward()
    meta.step()
print(meta_loss.item(), w.grad.norm().item())
