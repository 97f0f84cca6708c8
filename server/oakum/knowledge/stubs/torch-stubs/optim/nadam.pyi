from torch.optim import NAdam as NAdam
