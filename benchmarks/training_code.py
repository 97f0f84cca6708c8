"""Training code of any length: what a file of many experiments looks like, with a leak here and there."""

from __future__ import annotations

import itertools

HEAD = '''"""Experiments."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset
'''

PARTS = (
    '''

class Network{n}(nn.Module):
    """A small convolutional network with a residual head."""

    def __init__(self, channels: int = 3, width: int = 64, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.body = nn.ModuleList([nn.Conv2d(width, width, 3, padding=1) for _ in range(4)])
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(width, classes)
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.stem(images)
        for layer in self.body:
            hidden = hidden + F.relu(layer(hidden))
        pooled = hidden.mean(dim=(2, 3))
        return self.head(self.drop(self.norm(pooled))) / self.temperature
''',
    '''

class Samples{n}(Dataset):
    """Samples of one split, kept as tensors."""

    def __init__(self, count: int, seed: int = {n}) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.images = torch.rand(count, 3, 32, 32, generator=generator)
        self.labels = torch.randint(10, (count,), generator=generator)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.images[index], self.labels[index]
''',
    '''

class Trainer{n}:
    """Trains a network and remembers how it went."""

    def __init__(self, model: nn.Module, rate: float = 1e-3, epochs: int = 10) -> None:
        self.model = model
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs)
        self.epochs = epochs
        self.history: list[float] = []
        self.outputs = []

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.criterion(self.model(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss

    def fit(self, loader: DataLoader, device: torch.device) -> None:
        self.model.train().to(device)
        for epoch in range(self.epochs):
            total = 0.0
            for number, (images, labels) in enumerate(loader):
                loss = self.step(images.to(device), labels.to(device))
                total += loss.item()
                if number % 100 == 0:
                    print(f"epoch {{epoch}} step {{number}}: loss {{loss.item():.3f}}")
            self.history.append(total / max(len(loader), 1))
            self.schedule.step()

    @torch.no_grad()
    def evaluate(self, loader: DataLoader, device: torch.device) -> float:
        self.model.eval()
        right, seen = 0, 0
        for images, labels in loader:
            predicted = self.model(images.to(device)).argmax(dim=1).cpu()
            right += int((predicted == labels).sum())
            seen += len(labels)
        return right / max(seen, 1)
''',
    '''

def distill_{n}(teacher: nn.Module, student: nn.Module, loader: DataLoader, rate: float = 1e-3) -> list[float]:
    """Train a student on a teacher's answers."""
    optimizer = torch.optim.SGD(student.parameters(), lr=rate, momentum=0.9)
    losses = []
    running = 0.0
    for images, labels in loader:
        with torch.no_grad():
            wanted = teacher(images).softmax(dim=1)
        answers = student(images)
        loss = F.kl_div(answers.log_softmax(dim=1), wanted, reduction="batchmean") + F.cross_entropy(answers, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss
        losses.append(loss.item())
    print(f"mean loss {{running / len(losses):.3f}}")
    return losses


def features_{n}(model: Network{n}, loader: DataLoader) -> torch.Tensor:
    """What the stem makes of every image."""
    model.eval()
    kept = []
    with torch.inference_mode():
        for images, _ in loader:
            kept.append(model.stem(images).mean(dim=(2, 3)))
    return torch.cat(kept)


def experiment_{n}(root: str, device: str = "cpu") -> dict[str, float]:
    """One experiment from data to accuracy."""
    train = DataLoader(Samples{n}(1000), batch_size=32, shuffle=True)
    held_out = DataLoader(Samples{n}(200, seed=1), batch_size=64)
    trainer = Trainer{n}(Network{n}())
    trainer.fit(train, torch.device(device))
    distill_{n}(trainer.model, Network{n}(width=16), train)
    accuracy = trainer.evaluate(held_out, torch.device(device))
    torch.save(trainer.model.state_dict(), f"{{root}}/network_{n}.pt")
    return {{"accuracy": accuracy, "loss": trainer.history[-1]}}
''',
)


def training_code(lines: int) -> str:
    """A file of at least so many lines, and few more."""
    parts = (part.format(n=number) for number in itertools.count() for part in PARTS)
    text = HEAD
    while text.count("\n") < lines:
        text += next(parts)
    return text
