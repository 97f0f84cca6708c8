"""Images made of noise, so that the project runs anywhere."""

import torch
from torch.utils.data import DataLoader, Dataset


class Noise(Dataset):
    def __init__(self, length: int = 2048, classes: int = 10) -> None:
        self.length = length
        self.classes = classes

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        generator = torch.Generator().manual_seed(index)
        return torch.randn(3, 32, 32, generator=generator), index % self.classes


def loaders(batch_size: int = 64) -> tuple[DataLoader, DataLoader]:
    train = DataLoader(Noise(), batch_size=batch_size, shuffle=True, num_workers=2)
    held_out = DataLoader(Noise(512), batch_size=batch_size)
    return train, held_out
