"""Train the head alone, at a small learning rate."""

import torch
from model import Classifier
from torch import nn
from torch.utils.data import DataLoader


def tune_head(model: Classifier, loader: DataLoader, epochs: int = 2) -> None:
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.head.parameters(), lr=1e-4)
    model.train()
    for epoch in range(epochs):
        for images, labels in loader:
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.3f}")
