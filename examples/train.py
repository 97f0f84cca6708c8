"""Train the classifier for a number of steps, then fine-tune its head."""

import itertools

import torch
from data import loaders
from evaluate import evaluate
from finetune import tune_head
from model import Classifier, activation_scales
from torch import nn

torch.autograd.set_detect_anomaly(True)


class Trainer:
    def __init__(self, model: Classifier, learning_rate: float = 0.01) -> None:
        self.model = model
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
        self.losses = []

    def fit(self, loader, steps: int = 10_000) -> None:
        self.model.train()
        batches = itertools.cycle(loader)
        for step in range(steps):
            images, labels = next(batches)
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(images), labels)
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss)
            if step % 100 == 0:
                print(f"step {step}: loss {loss.item():.3f}")


def main() -> None:
    train, held_out = loaders()
    trainer = Trainer(Classifier())
    trainer.fit(train)
    tune_head(trainer.model, train)
    print("accuracy", evaluate(trainer.model, held_out))
    print("scales", activation_scales(trainer.model, held_out))


if __name__ == "__main__":
    main()
