import torch

x = torch.linspace(-1, 1, 20)
y = 2 * x + 1
a = torch.randn((), requires_grad=True)
b = torch.zeros((), requires_grad=True)
for t in range(5):
    y_pred = a + b * x
    loss = (y_pred - y).pow(2).sum()
    if t % 2 == 0:
        print(t, loss.item())
    loss.backward()
    with torch.no_grad():
        a -= 1e-2 * a.grad
        b -= 1e-2 * b.grad
        a.grad = None
        b.grad = None
result = a.item() + b.item()
print(f"{result}")
