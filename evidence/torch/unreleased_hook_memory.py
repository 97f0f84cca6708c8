# falls: held, nodes
# prints: the same
import torch
import torch.nn as nn

STEPS = 20

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loader = [(torch.randn(64, 32), torch.randint(0, 10, (64,))) for _ in range(STEPS)]

features = []


def keep(module, inputs, output):
    features.append(output)


model[2].register_forward_hook(keep)
with torch.no_grad():
    warm = model(loader[0][0]).mean()
for x, y in loader:
    out = model(x)
print(f"mean {sum(f.mean().item() for f in features) / len(features):.6f}")
