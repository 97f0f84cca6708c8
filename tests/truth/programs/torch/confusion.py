import torch

matrix = torch.zeros(3, 3, dtype=torch.long)
model = torch.nn.Linear(5, 3)
model.eval()
correct = 0
seen = 0
with torch.no_grad():
    for _ in range(2):
        images, labels = torch.randn(6, 5), torch.randint(3, (6,))
        outputs = model(images)
        predicted = outputs.argmax(1)
        for t, p in zip(labels.view(-1), predicted.view(-1)):
            matrix[t.long(), p.long()] += 1
        correct += predicted.eq(labels).sum().item()
        seen += labels.size(0)
per_class = matrix.diag().float() / matrix.sum(1).clamp(min=1)
accuracy = 100.0 * correct / seen
summary = {"accuracy": accuracy, "per_class": per_class.tolist()}
print(summary)
