"""Parameters that are frozen, and parts of a model whose parameters have had no gradient."""

import re
from collections.abc import Collection, Sequence

from torch import nn

from mtlkit.errors import ConfigError
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import SearchableScheme


def freeze(model: MultiTaskModel, patterns: Sequence[str]) -> None:
    """Takes the parameters in whose names a pattern is found out of training. What is random in training, such as
    dropout, stays so.

    Raises:
        ConfigError: a pattern is found in no name; or no parameter that serves some task is left to train by its loss.
            The message begins with the pattern's number, if it is about one.
    """
    parameters = dict(model.named_parameters())
    for number, pattern in enumerate(patterns):
        found = [name for name in parameters if re.search(pattern, name)]
        if not found:
            roots = ", ".join(dict.fromkeys(".".join(name.split(".")[:2]) for name in parameters))
            raise ConfigError(f".{number}: no parameter is named like '{pattern}' (names begin with {roots})")
        for name in found:
            parameters[name].requires_grad_(False)
    # What chooses paths learns from rewards, and the loss alone still needs something to train.
    chooses = model.sharing.search_parameters() if isinstance(model.sharing, SearchableScheme) else []
    others = {id(parameter) for parameter in chooses}
    trained = {name for name, each in parameters.items() if each.requires_grad and id(each) not in others}
    if idle := [task for task in model.tasks if trained.isdisjoint(model.weights_of([task]))]:
        raise ConfigError(f": leaves nothing to train for {', '.join(idle)}; freeze less")


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
