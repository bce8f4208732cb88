"""How modules compute, as a value passed to them, and which implementations they report to have run.

There is no global state: two models with different values can run in two threads at once.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from mtlkit.kernels.postponing import Postponed
from mtlkit.process.ranks import ONE, Ranks

Kernels = Literal["auto", "plain", "pure", "compiled", "graphs"]
"""The implementations that may run; see `mtlkit.kernels.choice` and docs/decisions/0015-kernels.md."""

Operation = Literal["recurrence", "lstm", "networks"]
"""The operations that have several implementations: the recurrence of message passing, a bidirectional LSTM, and
several LSTMs of one size over the same positions.
"""

Note = Callable[[Operation, str], None]
"""A callback that receives an operation and the name of the implementation that runs it, once per forward pass."""

SEVERAL = ", "


@dataclass(frozen=True)
class Compute:
    """Settings of how a module computes."""

    kernels: Kernels = "auto"
    """The implementations that may run."""
    threads: int | None = None
    """CPU threads within an operation; None for the number that torch is set to in the calling thread."""
    network_threads: int = 1
    """Independent networks that run at once on a CPU, each in one thread."""
    postponed: Postponed | None = None
    """When `auto` builds compiled kernels that are not in the cache; None for at once. What is to be trained never
    postpones, since it would change its kernels on the way.
    """
    traceable: bool = False
    """Whether every operation must be one that `torch.export` can trace for any number of texts and words."""
    ranks: Ranks = ONE
    """The processes that share each batch in training, and the texts that are scored."""

    def anywhere(self) -> "Compute":
        """Returns a copy for archives that works on every machine: kernels that a machine may lack become `auto`."""
        return replace(self, kernels="auto") if self.kernels in ("compiled", "graphs") else self


AUTOMATIC = Compute()
TRACEABLE = Compute("plain", traceable=True)
"""For models that are exported. They do not compute gradients."""


class Computing(nn.Module):
    """A module that follows a `Compute`, and remembers which implementations ran.

    Attributes:
        compute: the settings, set by `hand_down`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.compute = AUTOMATIC
        self._ran: set[tuple[str, str]] = set()

    def note(self, operation: Operation, how: str) -> None:
        """Remembers which implementation ran. Threads may call it at once, since adding to a set is atomic."""
        self._ran.add((operation, how))

    def note_again(self, ran: Mapping[str, str]) -> None:
        """Restores what `what_ran` returned, for a model whose training continues from a checkpoint."""
        self._ran.update((operation, how) for operation, names in ran.items() for how in names.split(SEVERAL))

    @property
    def noted(self) -> frozenset[tuple[str, str]]:
        """All that was noted, as pairs of an operation and the name of the implementation that ran it."""
        return frozenset(self._ran)


def unnoted(operation: Operation, how: str) -> None:
    """Discards a note. Used as the `Note` of callers that keep no record."""


def hand_down(module: nn.Module, compute: Compute) -> None:
    """Sets `compute` in a module and all its submodules; those that are not `Computing` are left alone."""
    for part in module.modules():
        if isinstance(part, Computing):
            part.compute = compute


def what_ran(module: nn.Module) -> dict[str, str]:
    """Returns what a module and all its submodules have noted, by operation. Several implementations are separated by
    commas.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for part in module.modules():
        if isinstance(part, Computing):
            for operation, how in part.noted:
                found[operation].add(how)
    return {operation: SEVERAL.join(sorted(names)) for operation, names in sorted(found.items())}


def together(*several: Mapping[str, str]) -> dict[str, str]:
    """Combines the results of `what_ran` for several modules as if everything had run in one module."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for ran in several:
        for operation, names in ran.items():
            found[operation] |= set(names.split(SEVERAL))
    return {operation: SEVERAL.join(sorted(names)) for operation, names in sorted(found.items())}
