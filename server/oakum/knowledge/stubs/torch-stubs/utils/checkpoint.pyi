from typing import Any

# No annotation: the return value of the function is the answer.
def checkpoint(function, *args, **kwargs):
    return function(*args, **kwargs)

def checkpoint_sequential(functions: Any, segments: int, input: Any, **kwargs: Any) -> Any: ...
