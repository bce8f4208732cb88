"""How modules compute, as a value that they are handed, and what they report to have run.

Nothing here belongs to the process: two models with different values can run in two threads at once.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

Kernels = Literal["auto", "plain", "pure", "compiled", "graphs"]
"""Which implementations may run; see `mtlkit.kernels.choice` and docs/decisions/0015-kernels.md."""

Operation = Literal["recurrence", "lstm", "networks"]
"""What has several implementations: the recurrence of message passing, an LSTM that reads both ways, and several
LSTMs of one size over the same positions."""

Note = Callable[[Operation, str], None]
"""Called with an operation and the name of the implementation that runs it, once per forward pass."""

SEVERAL = ", "


@dataclass(frozen=True)
class Compute:
    """How a module is to compute."""

    kernels: Kernels = "auto"
    """Which implementations may run."""
    threads: int | None = None
    """CPU threads inside an operation; None for as many as torch is set to in the calling thread."""
    network_threads: int = 1
    """CPU threads that run independent networks at once, one thread in each."""

    def anywhere(self) -> "Compute":
        """A value that works on every machine, for archives: kernels that a machine may lack become `auto`."""
        return replace(self, kernels="auto") if self.kernels in ("compiled", "graphs") else self


AUTOMATIC = Compute()


class Computing(nn.Module):
    """A module that computes as it was told, and remembers what ran.

    Attributes:
        compute: how; set by `hand_down`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.compute = AUTOMATIC
        self._ran: set[tuple[str, str]] = set()

    def note(self, operation: Operation, how: str) -> None:
        """Remembers what ran. Threads may call it at once, since adding to a set is atomic."""
        self._ran.add((operation, how))

    def note_again(self, ran: Mapping[str, str]) -> None:
        """Takes over what `what_ran` returned, such as for a model whose training continues from a checkpoint."""
        self._ran.update((operation, how) for operation, names in ran.items() for how in names.split(SEVERAL))

    @property
    def noted(self) -> frozenset[tuple[str, str]]:
        """All that was noted, as pairs of an operation and the name of what ran it."""
        return frozenset(self._ran)


def unnoted(operation: Operation, how: str) -> None:
    """Remembers nothing: the `Note` of a caller that keeps no record."""


def hand_down(module: nn.Module, compute: Compute) -> None:
    """Sets the value in a module and all modules inside it; those that are not `Computing` are left alone."""
    for part in module.modules():
        if isinstance(part, Computing):
            part.compute = compute


def what_ran(module: nn.Module) -> dict[str, str]:
    """What a module and all modules inside it have noted, by operation; names of several are separated by commas."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for part in module.modules():
        if isinstance(part, Computing):
            for operation, how in part.noted:
                found[operation].add(how)
    return {operation: SEVERAL.join(sorted(names)) for operation, names in sorted(found.items())}


def together(*several: Mapping[str, str]) -> dict[str, str]:
    """What `what_ran` would return if all that ran in several modules had run in one."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for ran in several:
        for operation, names in ran.items():
            found[operation] |= set(names.split(SEVERAL))
    return {operation: SEVERAL.join(sorted(names)) for operation, names in sorted(found.items())}
