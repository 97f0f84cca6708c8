from torch.optim import Adamax as Adamax
