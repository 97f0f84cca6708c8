# falls: peak
# prints: the same
import torch
import torch.nn as nn

STEPS = 20

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loader = [(torch.randn(64, 32), torch.randint(0, 10, (64,))) for _ in range(STEPS)]



def evaluate(net, data):
    net.eval()
    total = 0.0
    for x, y in data:
        total += criterion(net(x), y)
    return float(total) / len(data)


print(f"validation loss {evaluate(model, loader):.6f}")
