import torch
import torch.nn as nn
import torch.nn.functional as F


@torch.no_grad()
def evaluate(net, batches):
    net.eval()
    losses, predictions = [], []
    for x, y in batches:
        out = net(x)
        losses.append(F.cross_entropy(out, y))
        predictions.append(out.softmax(-1).max(dim=-1))
    values, indices = zip(*predictions)
    return torch.stack(losses).mean(), torch.cat(indices), torch.cat(values)


net = nn.Linear(4, 3)
batches = [(torch.randn(5, 4), torch.randint(3, (5,))) for _ in range(3)]
loss, predicted, confidence = evaluate(net, batches)
recorded = F.cross_entropy(net(batches[0][0]), batches[0][1])
with torch.no_grad():
    free = F.cross_entropy(net(batches[0][0]), batches[0][1])
with torch.inference_mode():
    inferred = net(batches[0][0]) * 2
difference = recorded - loss
print(float(difference), free.item(), inferred.shape, predicted.tolist(), confidence)
