from typing import Any

from torch import Tensor

# What gives a tensor, whatever it is called with: the type of most functions and methods.
class Op:
    def __call__(self, *args: Any, **kwargs: Any) -> Tensor: ...
