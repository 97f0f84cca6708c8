# falls: allocated
# prints: the same
import torch
import torch.nn as nn

STEPS = 20

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loader = [(torch.randn(64, 32), torch.randint(0, 10, (64,))) for _ in range(STEPS)]

torch.autograd.set_detect_anomaly(True)
for x, y in loader:
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.6f}")
