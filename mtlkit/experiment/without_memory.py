"""Models that take no memory, since only their shapes and their mistakes are wanted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

DRAWING = (nn.init.normal_, Tensor.normal_)


@contextmanager
def without_memory() -> Iterator[None]:
    """Builds all modules in the block on the meta device, where tensors have shapes and no values."""
    with torch.device("meta"), _WithoutFirstValues():
        yield


@final
class _WithoutFirstValues(TorchFunctionMode):
    """Leaves out the drawing of first values by `normal_`. On the meta device there is nothing to fill, but PyTorch
    imports its compiler for it, which takes longer than all checks of a model together.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func in DRAWING:
            tensor = given["tensor"] if "tensor" in given else args[0]
            return tensor if tensor.is_meta else func(*args, **given)
        return func(*args, **given)
