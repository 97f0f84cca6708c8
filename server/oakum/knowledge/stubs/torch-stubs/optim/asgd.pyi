from torch.optim import ASGD as ASGD
