from torch.optim import Adadelta as Adadelta
