"""PyTorch smells, PT01 to PT30."""
