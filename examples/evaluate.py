"""Accuracy and loss on held-out images."""

import torch
from model import Classifier
from torch import nn
from torch.utils.data import DataLoader


def evaluate(model: Classifier, loader: DataLoader) -> float:
    model.eval()
    criterion = nn.CrossEntropyLoss()
    total_loss = 0.0
    hits = 0
    for images, labels in loader:
        logits = model(images)
        total_loss += criterion(logits, labels)
        hits += (logits.argmax(dim=1) == labels).sum().item()
    print(f"validation loss {total_loss / len(loader):.3f}")
    return hits / len(loader.dataset)


def load(path: str) -> Classifier:
    model = Classifier()
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model
