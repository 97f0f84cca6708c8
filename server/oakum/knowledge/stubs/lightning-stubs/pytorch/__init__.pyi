from pytorch_lightning import *
from pytorch_lightning import callbacks as callbacks, loggers as loggers
