import torch
import torch.nn as nn
import torch.nn.functional as F


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 2))

    def forward_once(self, x):
        return F.normalize(self.net(x), p=2, dim=1)

    def forward(self, anchor, positive, negative):
        return self.forward_once(anchor), self.forward_once(positive), self.forward_once(negative)


net = Siamese()
loss_fn = nn.TripletMarginLoss(margin=1.0)
embeddings = []
for _ in range(3):
    a, p, n = net(*torch.randn(3, 5, 4))
    loss = loss_fn(a, p, n)
    loss.backward()
    embeddings.append(a.detach().cpu().numpy())
distance = (a - p).norm(dim=1)
similar = F.cosine_similarity(a.detach(), n.detach())
print(loss.item(), embeddings[0].shape, distance.max().item(), similar.mean())
