# falls: held
# prints: the same
import itertools

import torch
from torch.utils.data import DataLoader, TensorDataset

STEPS = 20

torch.manual_seed(0)
dataset = TensorDataset(torch.randn(64 * 50, 32), torch.randint(0, 10, (64 * 50,)))
loader = DataLoader(dataset, batch_size=64, shuffle=True)
batches = itertools.cycle(loader)
seen = 0
for step in range(STEPS):
    x, y = next(batches)
    seen += len(x)
print(f"samples {seen}")
