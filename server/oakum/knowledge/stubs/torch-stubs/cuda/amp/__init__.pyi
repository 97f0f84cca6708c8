from torch.amp import GradScaler as GradScaler, autocast as autocast
