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

rnn = nn.RNN(32, 64, batch_first=True)
head = nn.Linear(64, 10)
optimizer = torch.optim.SGD([*rnn.parameters(), *head.parameters()], lr=1e-9)
h = torch.zeros(1, 64, 64)
for x, y in loader:
    optimizer.zero_grad()
    out, h = rnn(x.unsqueeze(1), h)
    loss = criterion(head(out[:, -1]), y)
    loss.backward(retain_graph=True)
print(f"loss {loss.item():.6f}")
