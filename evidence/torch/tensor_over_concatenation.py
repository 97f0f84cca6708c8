# falls: allocated
# prints: the same
import torch
import torch.nn as nn

STEPS = 60

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loader = [(torch.randn(64, 32), torch.randint(0, 10, (64,))) for _ in range(STEPS)]



def gather(net, data):
    outputs = torch.empty(0, 10)
    with torch.no_grad():
        for x, _ in data:
            outputs = torch.cat([outputs, net(x)])
    return outputs


outputs = gather(model, loader)
print(f"outputs {tuple(outputs.shape)}, sum {outputs.sum().item():.4f}")
