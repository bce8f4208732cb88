"""What was shared for one text, as plain numbers, in four forms that correspond to those of `mtlkit.sharing.Trace`.

Shapes: T words, N sources, L layers, K tasks, S steps, A actions (modules, and Stop as the last).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from mtlkit.sharing.explanations.sheet import TOP, Entry, Sheet, SheetRow, most

Matrix: TypeAlias = tuple[tuple[float, ...], ...]


@final
@dataclass(frozen=True)
class Reading:
    """How much each word took of each source."""

    words: tuple[str, ...]
    tasks: tuple[str, ...] | None
    """The N tasks that were read; None where the sources are the T words themselves, as a shared network reads them."""
    left_to_right: Matrix
    """The weights (T, N) of the network that reads from left to right."""
    right_to_left: Matrix | None = None
    """The weights (T, N) of the network that reads from right to left, if there is one; both axes in reading order."""
    gates: tuple[float, ...] | None = None
    """How far each word (T) was opened to what it took, from 0 to 1; None where there is no gate."""
    backward_gates: tuple[float, ...] | None = None
    """`gates` of the network that reads from right to left."""

    def to_json(self) -> dict[str, Any]:
        """The reading as JSON. `sources` are the names of tasks, or the words in order."""
        further = {name: getattr(self, name) for name in ("right_to_left", "gates", "backward_gates")}
        return {
            "kind": "tasks" if self.tasks is not None else "positions",
            "sources": list(self.words if self.tasks is None else self.tasks),
            "left_to_right": self.left_to_right,
            **{name: value for name, value in further.items() if value is not None},
        }

    def sheet(self) -> Sheet:
        """A table of each word with the three sources that it took most of, less those that it took nothing of. Words
        that are sources are numbered.
        """
        names = self.tasks or tuple(f"{word} ({number})" for number, word in enumerate(self.words, 1))
        heads = self.words if self.tasks is not None else names
        ways = [self.left_to_right] if self.right_to_left is None else [self.left_to_right, self.right_to_left]
        titles = ("reads most",) if len(ways) == 1 else ("from left to right", "from right to left")
        rows = tuple(
            SheetRow(head, tuple(_taken(names, weights, self.tasks is not None) for weights in row))
            for head, *row in zip(heads, *ways, strict=True)
        )
        return Sheet(("word", *titles), rows)


@final
@dataclass(frozen=True)
class PathStep:
    """One module on a path, or Stop."""

    module: int | None
    """The number of the module, from 0; None for Stop."""
    policy: tuple[float, ...] | None
    """The probability of each action (A); None where the selector has no policy."""

    @property
    def probability(self) -> float | None:
        """The probability of the action that was taken; None where the selector has no policy."""
        return None if self.policy is None else self.policy[-1 if self.module is None else self.module]

    @property
    def alternatives(self) -> tuple[Entry, ...]:
        """The most probable actions that were not taken."""
        if self.policy is None:
            return ()
        names = [_name(number) for number in (*range(len(self.policy) - 1), None)]
        others = [entry for entry in most(names, self.policy, TOP + 1) if entry.name != _name(self.module)]
        return tuple(entry for entry in others[:TOP] if entry.weight)


@final
@dataclass(frozen=True)
class PathTaken:
    """The modules of a pool that the text went through, the same for all texts of the task."""

    steps: tuple[PathStep, ...]

    def to_json(self) -> dict[str, Any]:
        """The path as JSON. `policy` has the probabilities of the modules in order, and that of Stop last."""
        steps = [{"module": step.module, "probability": step.probability, "policy": step.policy} for step in self.steps]
        return {"kind": "path", "steps": steps}

    def sheet(self) -> Sheet:
        """A table of the steps, with their probabilities and alternatives; one line if the path is empty."""
        if not self.steps:
            return Sheet(
                ("step", "takes"), (SheetRow("none", ((Entry("no module; the head reads the embeddings"),),)),)
            )
        by_chance = any(step.policy is not None for step in self.steps)
        rows = []
        for number, step in enumerate(self.steps, 1):
            taken = (Entry(_name(step.module), step.probability, step.module),)
            rows.append(SheetRow(str(number), (taken, step.alternatives) if by_chance else (taken,)))
        return Sheet(("step", "takes", "instead of") if by_chance else ("step", "takes"), tuple(rows))


@final
@dataclass(frozen=True)
class Mixture:
    """How much the task took of each task's states after each layer, the same for all texts of the task."""

    tasks: tuple[str, ...]
    layers: Matrix
    """The coefficients (L, K), of any sign."""

    def to_json(self) -> dict[str, Any]:
        """The mixture as JSON. `sources` are the names of tasks."""
        return {"kind": "mixture", "sources": list(self.tasks), "layers": self.layers}

    def sheet(self) -> Sheet:
        """A table of each layer with all tasks, the largest coefficient first."""
        rows = [
            SheetRow(str(number), (most(self.tasks, weights, len(self.tasks)),))
            for number, weights in enumerate(self.layers, 1)
        ]
        return Sheet(("layer", "reads"), tuple(rows))


@final
@dataclass(frozen=True)
class Guess:
    """Which task a discriminator takes the text to be from, judging by its shared states."""

    tasks: tuple[str, ...]
    probabilities: tuple[float, ...]
    """The probability of each task (K)."""

    def to_json(self) -> dict[str, Any]:
        """The guess as JSON. `sources` are the names of tasks."""
        return {"kind": "guess", "sources": list(self.tasks), "probabilities": self.probabilities}

    def sheet(self) -> Sheet:
        """A table of one line with all tasks, the most probable first."""
        taken_for = most(self.tasks, self.probabilities, len(self.tasks))
        return Sheet(("the discriminator", "takes it for"), (SheetRow("from the shared states", (taken_for,)),))


SharedWith: TypeAlias = Reading | PathTaken | Mixture | Guess


def _taken(names: Sequence[str], weights: Sequence[float], coloured: bool) -> tuple[Entry, ...]:
    return tuple(entry for entry in most(names, weights, TOP, coloured) if entry.weight)


def _name(module: int | None) -> str:
    return "stop" if module is None else f"module {module}"
