"""Parts of a model that have learned nothing."""

from collections.abc import Collection

from torch import nn


def idle_parts(model: nn.Module, trained: Collection[nn.Parameter], idle: Collection[nn.Parameter]) -> list[str]:
    """Names of the parts, such as `heads.books`, whose every parameter that is trained is idle; a part in another such
    part is not named by itself.

    Args:
        model: whose parts they are.
        trained: the parameters that are changed by their gradients.
        idle: those of them that have had none.
    """
    ours, without = ({id(parameter) for parameter in some} for some in (trained, idle))
    found: list[str] = []
    for name, part in model.named_modules():
        own = {id(parameter) for parameter in part.parameters()} & ours
        if name and own and own <= without and not name.startswith(tuple(f"{outer}." for outer in found)):
            found.append(name)
    return found
