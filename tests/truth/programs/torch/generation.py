import torch
import torch.nn as nn


class LM(nn.Module):
    def __init__(self, vocab=11, dim=8):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.head = nn.Linear(dim, vocab, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, ids, labels=None):
        hidden = self.emb(ids).cumsum(dim=1)
        logits = self.head(hidden)
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return {"logits": logits, "loss": loss}

    @torch.no_grad()
    def generate(self, ids, n):
        for _ in range(n):
            logits = self(ids)["logits"][:, -1, :]
            probs = torch.softmax(logits, dim=-1)
            nxt = torch.multinomial(probs, num_samples=1)
            ids = torch.cat([ids, nxt], dim=1)
        return ids


lm = LM()
ids = torch.randint(0, 11, (2, 4))
out = lm(ids, labels=ids)
loss = out["loss"]
loss.backward()
text = lm.generate(ids, 3)
print(loss.item(), text.shape, lm.emb.weight.grad.norm())
