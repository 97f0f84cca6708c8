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

outputs, targets = [], []
for x, y in loader:
    out = model(x)
    outputs.append(out)
    targets.append(y)
predicted = torch.cat(outputs).argmax(1)
print(f"accuracy {(predicted == torch.cat(targets)).float().mean().item():.6f}")
