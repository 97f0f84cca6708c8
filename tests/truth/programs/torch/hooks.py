import torch
import torch.nn as nn

activations = {}


def save(name):
    def hook(module, inputs, output):
        activations[name] = output.detach()

    return hook


net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
handles = [layer.register_forward_hook(save(name)) for name, layer in net.named_children()]
grads = []
x = torch.randn(3, 4, requires_grad=True)
out = net(x)
handle = out.register_hook(lambda g: grads.append(g.norm().item()))
out.sum().backward()
handle.remove()
for h in handles:
    h.remove()
saliency = x.grad.abs().max(dim=1)[0]
print(sorted(activations), grads, saliency.shape)
