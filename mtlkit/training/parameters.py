"""Parameters that are frozen, and parts of a model whose parameters have had no gradient."""

import re
from collections.abc import Collection, Sequence

from torch import nn

from mtlkit.errors import ConfigError
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import SearchableScheme


def named(model: nn.Module, parameters: Collection[nn.Parameter]) -> dict[str, nn.Parameter]:
    """Some of a model's parameters by their names, in the order in which they are given.

    The order is kept since optimizers know parameters by their positions, in checkpoints too.

    Raises:
        ValueError: one of them is not registered in the model, so that it could not be saved with it either.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    if missing := [tuple(each.shape) for each in parameters if id(each) not in names]:
        raise ValueError(f"a parameter of shape {missing[0]} is not registered in the model")
    return {names[id(each)]: each for each in parameters}


def parameters_by_role(model: MultiTaskModel, *, searches: bool) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters that are trained by the loss, theta, and those that choose paths and learn from rewards, phi.

    Frozen ones are in neither. Without a search, phi is empty: what chooses paths is then trained like the rest.
    """
    phi = model.sharing.search_parameters() if searches and isinstance(model.sharing, SearchableScheme) else []
    chosen = {id(parameter) for parameter in phi}
    theta = [each for each in model.parameters() if each.requires_grad and id(each) not in chosen]
    return theta, [each for each in phi if each.requires_grad]


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
    if idle := model.tasks_without(trained):
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
