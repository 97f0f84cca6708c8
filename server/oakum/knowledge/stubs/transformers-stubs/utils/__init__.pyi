from typing import Any

from torch import Tensor

# A mapping of whatever the model gives; these are its tensors when they are there at all.
class ModelOutput:
    loss: Tensor
    logits: Tensor
    last_hidden_state: Tensor
    pooler_output: Tensor
    hidden_states: tuple[Tensor, ...]
    attentions: tuple[Tensor, ...]
    def to_tuple(self) -> tuple[Any, ...]: ...
