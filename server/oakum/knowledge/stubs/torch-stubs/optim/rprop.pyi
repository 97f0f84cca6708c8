from torch.optim import Rprop as Rprop
