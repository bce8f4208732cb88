"""Optimizers of PyTorch that do not import its compiler.

PyTorch marks methods of its optimizers as none that `torch.compile` may look into. The first call of one imports the
compiler for that, with SymPy and much of `torch.distributed`: as long again as `import torch`, in each training. mtlkit
compiles no steps, so it takes the methods as they are below those marks.
"""

import inspect
from typing import Any, TypeVar, cast

import torch

MARKED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
"""The methods that PyTorch marks, but for `step`, which each kind of optimizer has of its own."""
Kind = TypeVar("Kind", bound=torch.optim.Optimizer)


def without_compiler(kind: type[Kind]) -> type[Kind]:
    """Returns a subclass of one of PyTorch's optimizers that does the same, to the same bits, and calls the same hooks,
    but does not import `torch._dynamo`.

    Its steps cannot be compiled by `torch.compile`, and are not `differentiable`.
    """
    methods: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in MARKED}
    # What is unwrapped also turned gradients off, and ran hooks; the class is given new hooks with its first optimizer.
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return cast(type[Kind], type(kind.__name__, (kind,), methods))
