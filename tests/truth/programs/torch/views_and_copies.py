import numpy as np
import torch

a = torch.arange(12.0).reshape(3, 4)
row = a[0]
cols = a[:, :2]
mask = a[a > 5]
w = torch.nn.Parameter(torch.ones(4))
weighted = a * w
first = weighted[0]
flat = first.view(-1).detach()
copied = weighted.clone()
host = weighted.detach().cpu().numpy()
back = torch.from_numpy(host)
array = np.asarray([1.0, 2.0])
t = torch.as_tensor(array, dtype=torch.float32)
stacked = torch.stack([row, row * 2])
joined = torch.cat((stacked, weighted[:2]), dim=0)
values, order = weighted.sort(descending=True)
count = int((weighted > 1).sum())
scalar = weighted.mean().item()
listed = weighted.tolist()
shape = weighted.shape
rows, columns = weighted.size()
kind = weighted.dtype
data = w.data
print(mask, cols, flat, copied, back, t, joined, values, order, count, scalar, listed[0], shape, rows, columns, kind, data)
