from torch.optim import Adafactor as Adafactor
