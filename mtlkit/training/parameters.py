"""Parameters that are frozen, for good or at first, and parts of a model whose parameters have had no gradient."""

import re
from collections.abc import Collection, Sequence
from typing import final

from torch import nn

from mtlkit.config import Spec
from mtlkit.errors import ConfigError
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import SearchableScheme
from mtlkit.types import Pattern, PositiveInt


class UnfreezeSettings(Spec):
    """An entry of `trainer.unfreeze`: parameters that are frozen at first."""

    pattern: Pattern
    """A regular expression that is searched for in names of parameters. The first entry that matches counts."""
    after: PositiveInt
    """The number of epochs for which these parameters are frozen."""


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
    if idle := model.tasks_without(_trained_by_loss(model)):
        raise ConfigError(f": leaves nothing to train for {', '.join(idle)}; freeze less")


def _trained_by_loss(model: MultiTaskModel) -> dict[str, nn.Parameter]:
    """The parameters that are trained, but for those that choose paths, which learn from rewards."""
    chooses = model.sharing.search_parameters() if isinstance(model.sharing, SearchableScheme) else []
    others = {id(parameter) for parameter in chooses}
    return {name: each for name, each in model.named_parameters() if each.requires_grad and id(each) not in others}


@final
class Unfreezing:
    """Parameters that are frozen in the first epochs of a training (gradual unfreezing; Howard and Ruder 2018).

    Which they are depends on the epoch alone, so that a resumed training freezes the same. They belong to the optimizer
    from the beginning, which passes over them as long as they have no gradient.

    Args:
        model: in which all parameters that are ever trained require gradients.
        rules: the settings; the first one whose pattern is found in a parameter's name counts.

    Raises:
        ConfigError: a rule is the first for no parameter that the loss trains, or nothing is left to train for a task
            in the first epoch. The message begins with the rule's number, if it is about one.
    """

    def __init__(self, model: MultiTaskModel, rules: Sequence[UnfreezeSettings]) -> None:
        trained = _trained_by_loss(model)
        self._after: list[tuple[nn.Parameter, int]] = []
        used = set()
        for name, parameter in trained.items() if rules else ():
            number = next((number for number, rule in enumerate(rules) if re.search(rule.pattern, name)), None)
            if number is not None:
                used.add(number)
                self._after.append((parameter, rules[number].after))
        if unused := [number for number in range(len(rules)) if number not in used]:
            pattern = rules[unused[0]].pattern
            raise ConfigError(
                f".{unused[0]}: no parameter that is trained is named like '{pattern}', or an earlier entry has it"
            )
        waiting = {id(parameter) for parameter, _ in self._after}
        if rules and (idle := model.tasks_without({name for name in trained if id(trained[name]) not in waiting})):
            raise ConfigError(f": leaves nothing to train for {', '.join(idle)} in the first epoch; freeze less")

    def begin(self, epoch: int) -> None:
        """Freezes what is not trained in an epoch, counted from 0, and unfreezes the rest."""
        for parameter, after in self._after:
            parameter.requires_grad_(epoch >= after)


def idle_parts(model: nn.Module, trained: Collection[nn.Parameter], idle: Collection[nn.Parameter]) -> list[str]:
    """Names of the parts, such as `heads.books`, whose every parameter that is trained is idle; a part in another such
    part is not named by itself.

    Args:
        model: whose parts they are.
        trained: the parameters that are changed by their gradients; those that are frozen at present do not count.
        idle: those of them that have had none.
    """
    ours, without = ({id(parameter) for parameter in some if parameter.requires_grad} for some in (trained, idle))
    found: list[str] = []
    for name, part in model.named_modules():
        own = {id(parameter) for parameter in part.parameters()} & ours
        if name and own and own <= without and not name.startswith(tuple(f"{outer}." for outer in found)):
            found.append(name)
    return found
