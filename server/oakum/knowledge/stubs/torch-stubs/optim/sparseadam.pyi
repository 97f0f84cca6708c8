from torch.optim import SparseAdam as SparseAdam
