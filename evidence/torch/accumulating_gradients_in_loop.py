# falls: nothing
# prints: something else
import torch
import torch.nn as nn

STEPS = 20

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loader = [(torch.randn(64, 32), torch.randint(0, 10, (64,))) for _ in range(STEPS)]

for x, y in loader:
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.6f}")
