import torch
import torch.nn as nn
from torch.amp import GradScaler, autocast

model = nn.Linear(4, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
scaler = GradScaler("cpu", enabled=False)
steps = 2
optimizer.zero_grad(set_to_none=True)
for i in range(4):
    x, y = torch.randn(3, 4), torch.randn(3, 1)
    with autocast("cpu", dtype=torch.bfloat16):
        pred = model(x)
        loss = nn.functional.mse_loss(pred.float(), y) / steps
    scaler.scale(loss).backward()
    if (i + 1) % steps == 0:
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
print(norm.item(), loss.item())
