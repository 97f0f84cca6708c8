"""Oakum finds resource leaks in PyTorch, TensorFlow and Keras code."""

__version__ = "0.1.0"
