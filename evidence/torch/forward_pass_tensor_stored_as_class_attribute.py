# falls: nodes
# prints: the same
import torch
import torch.nn as nn

STEPS = 20

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
        self.head = nn.Linear(256, 10)
        self.history = []

    def forward(self, x):
        out = self.head(self.body(x))
        self.history.append(out)
        return out


model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(STEPS):
    x, y = torch.randn(64, 32), torch.randint(0, 10, (64,))
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.6f}, passes {len(model.history)}")
