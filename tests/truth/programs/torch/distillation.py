import torch
import torch.nn as nn
import torch.nn.functional as F

teacher = nn.Linear(6, 4)
student = nn.Linear(6, 4)
teacher.eval()
for p in teacher.parameters():
    p.requires_grad_(False)
opt = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)
T = 2.0
for _ in range(3):
    x = torch.randn(5, 6)
    y = torch.randint(4, (5,))
    soft = F.softmax(teacher(x) / T, dim=1)
    logits = student(x)
    kd = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean") * T * T
    ce = F.cross_entropy(logits, y)
    loss = 0.5 * kd + 0.5 * ce
    opt.zero_grad()
    loss.backward()
    opt.step()
print(kd.item(), ce.item(), soft.sum().item())
