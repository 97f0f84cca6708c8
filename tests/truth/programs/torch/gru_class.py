import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        self.embed = nn.Embedding(10, size)
        self.gru = nn.GRU(size, size)
        self.out = nn.Linear(size, 10)

    def init_hidden(self, batch):
        return torch.zeros(1, batch, self.size)

    def forward(self, tokens, hidden):
        embedded = self.embed(tokens)
        output, hidden = self.gru(embedded, hidden)
        return self.out(output), hidden


model = Model(8)
criterion = nn.CrossEntropyLoss()
hidden = model.init_hidden(2)
for i in range(3):
    tokens = torch.randint(0, 10, (5, 2))
    hidden = hidden.detach()
    logits, hidden = model(tokens, hidden)
    loss = criterion(logits.view(-1, 10), tokens.view(-1))
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data.add_(p.grad, alpha=-0.1)
perplexity = torch.exp(loss.detach()).item()
print(perplexity)
