from torch.utils.data import Sampler

class DistributedSampler(Sampler[int]):
    def set_epoch(self, epoch: int) -> None: ...
