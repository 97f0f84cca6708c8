from torch.utils.data import ConcatDataset as ConcatDataset, Dataset as Dataset, IterableDataset as IterableDataset, Subset as Subset, TensorDataset as TensorDataset, random_split as random_split
