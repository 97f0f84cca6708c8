from torch.utils.data import DataLoader as DataLoader, default_collate as default_collate
