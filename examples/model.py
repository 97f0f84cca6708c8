"""A small convolutional classifier, and a probe that looks at its activations."""

import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
        )
        self.head = nn.Linear(64, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images).flatten(1))


def activation_scales(model: Classifier, batches) -> list[float]:
    """How large the features get, batch by batch."""
    scales = []
    for images, _ in batches:
        model.features.register_forward_hook(lambda module, args, output: scales.append(output.abs().mean().item()))
        with torch.no_grad():
            model(images)
    return scales
