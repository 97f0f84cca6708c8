from typing import Any

from torch.nn import Module

# A wrapper's call is that of the module it wraps, and which one that is, is not told here.
class _Wrapper(Module):
    module: Module
    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None: ...
    def forward(self, *args: Any, **kwargs: Any) -> Any: ...

class DataParallel(_Wrapper): ...

class DistributedDataParallel(_Wrapper):
    def no_sync(self) -> Any: ...
