from torch.optim import Adagrad as Adagrad
