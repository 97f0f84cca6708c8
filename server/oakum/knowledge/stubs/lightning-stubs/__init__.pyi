from pytorch_lightning import *

from . import pytorch as pytorch
