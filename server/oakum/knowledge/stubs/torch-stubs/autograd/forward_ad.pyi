from typing import Any

from torch import Tensor

def make_dual(tensor: Tensor, tangent: Tensor, **kwargs: Any) -> Tensor: ...
