import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Numbers(Dataset):
    def __init__(self, n):
        self.x = torch.randn(n, 3)
        self.y = self.x.sum(dim=1, keepdim=True)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return {"x": self.x[index], "y": self.y[index]}


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr=0.01):
        self.model = model
        self.train_loader = train_loader
        self.val_loader = val_loader
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        self.criterion = nn.MSELoss()
        self.losses = []

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for batch in self.train_loader:
            loss = self.step(batch)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.train_loader)

    def step(self, batch):
        prediction = self.model(batch["x"])
        return self.criterion(prediction, batch["y"])

    def validate(self):
        self.model.eval()
        with torch.no_grad():
            return torch.stack([self.step(batch) for batch in self.val_loader]).mean()

    def fit(self, epochs):
        for epoch in range(epochs):
            loss = self.train_epoch()
            val = self.validate()
            self.losses.append((loss, val))
        return self.losses


trainer = Trainer(nn.Linear(3, 1), DataLoader(Numbers(12), batch_size=4), DataLoader(Numbers(8), batch_size=4))
losses = trainer.fit(2)
last, val = losses[-1]
print(last, val.item())
