import torch
import torch.nn as nn


class AverageMeter:
    def __init__(self, name):
        self.name = name
        self.reset()

    def reset(self):
        self.val = 0
        self.avg = 0
        self.sum = 0
        self.count = 0

    def update(self, val, n=1):
        self.val = val
        self.sum += val * n
        self.count += n
        self.avg = self.sum / self.count


def accuracy(output, target, topk=(1,)):
    with torch.no_grad():
        _, pred = output.topk(max(topk), 1, True, True)
        pred = pred.t()
        correct = pred.eq(target.view(1, -1).expand_as(pred))
        return [correct[:k].reshape(-1).float().sum(0) * (100.0 / target.size(0)) for k in topk]


model = nn.Linear(4, 6)
losses, top1 = AverageMeter("loss"), AverageMeter("acc")
for _ in range(3):
    x, y = torch.randn(5, 4), torch.randint(6, (5,))
    output = model(x)
    loss = nn.functional.cross_entropy(output, y)
    acc1, acc5 = accuracy(output, y, topk=(1, 5))
    losses.update(loss.item(), x.size(0))
    top1.update(acc1[0] if acc1.dim() else acc1, x.size(0))
print(losses.avg, top1.avg)
