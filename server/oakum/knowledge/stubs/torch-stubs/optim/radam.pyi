from torch.optim import RAdam as RAdam
