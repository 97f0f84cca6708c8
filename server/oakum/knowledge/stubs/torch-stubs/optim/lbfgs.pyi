from torch.optim import LBFGS as LBFGS
