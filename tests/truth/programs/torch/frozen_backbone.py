import torch
import torch.nn as nn

backbone = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
for param in backbone.parameters():
    param.requires_grad = False
head = nn.Linear(4, 2)
trainable = [p for p in head.parameters() if p.requires_grad]
opt = torch.optim.Adam(trainable, lr=1e-3)
features = []
backbone.eval()
for _ in range(3):
    image = torch.randn(2, 1, 6, 6)
    f = backbone(image)
    features.append(f)
    logits = head(f)
    loss = logits.logsumexp(1).sum()
    opt.zero_grad()
    loss.backward()
    opt.step()
everything = torch.cat(features)
print(everything.requires_grad, sum(p.numel() for p in trainable))
