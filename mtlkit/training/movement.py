"""Scores that do not move: a headline that is the same after every epoch, and a model that gives one label only."""

from collections.abc import Iterable, Mapping
from typing import Any, final

from mtlkit.data import Target
from mtlkit.training.evaluation import EvaluationTask
from mtlkit.training.predictions import Predictions

EPOCHS = 3
"""The number of epochs after which a score that has never changed is reported."""


@final
class Movement:
    """Watches the dev scores of a stage for what cannot choose an epoch, and reports each such thing once."""

    def __init__(self) -> None:
        self._epochs = 0
        self._first: dict[str, float] = {}
        """The headline figure of each task after the first epoch, by its name."""
        self._moved: list[str] = []
        self._told: list[str] = []
        """The tasks and figures that have been reported."""

    def see_answers(self, answers: Predictions) -> list[str]:
        """Looks at a task's answers after an epoch. Returns a sentence if all are one label for the first time."""
        sentence = one_label(answers)
        if sentence is None or answers.task in self._told:
            return []
        self._told.append(answers.task)
        return [sentence]

    def end_epoch(self, tasks: Iterable[EvaluationTask], figures: Mapping[str, float]) -> list[str]:
        """Looks at the figures after an epoch, by name. Returns a sentence for each task's headline to report now."""
        self._epochs += 1
        for name in (str(task.headline_figure) for task in tasks):
            value = figures[name]
            if self._first.setdefault(name, value) != value and name not in self._moved:
                self._moved.append(name)
        found = [name for name in self.constant(EPOCHS) if name not in self._told]
        self._told += found
        return [
            f"{name} on dev data is {self._first[name]:.2%} after each of {self._epochs} epochs; a score that does not "
            "move chooses no epoch"
            for name in found
        ]

    def constant(self, epochs: int = 2) -> list[str]:
        """Returns the headline figures that have never changed, if there were at least so many epochs."""
        return [name for name in self._first if name not in self._moved] if self._epochs >= epochs else []

    def summary(self, *, stopped_by_patience: bool) -> list[str]:
        """Returns sentences for the end of the stage.

        Args:
            stopped_by_patience: whether it ended before its last epoch, for want of a better score.
        """
        still = self.constant(2 if stopped_by_patience else EPOCHS)
        sentences = [
            f"{name} on dev data was {self._first[name]:.2%} after each of {self._epochs} epochs, and chose none"
            for name in still
        ]
        if stopped_by_patience and len(still) == len(self._first):
            sentences.append(
                f"patience ended the training after epoch {self._epochs}, although its score never moved; set metrics "
                "that can move, or leave patience out"
            )
        return sentences

    def state_dict(self) -> dict[str, Any]:
        """What was seen so far, as plain values."""
        return {
            "epochs": self._epochs,
            "first": dict(self._first),
            "moved": list(self._moved),
            "told": list(self._told),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self._epochs, self._first = int(state["epochs"]), dict(state["first"])
        self._moved, self._told = list(state["moved"]), list(state["told"])


def one_label(answers: Predictions) -> str | None:
    """Returns a sentence if a model gives all texts, or all words, one label, although their targets are several."""
    only = _only_label(answers.predicted)
    if only is None or _only_label(truth for truth in answers.gold if truth is not None) is not None:
        return None
    tagged = any(isinstance(target, tuple) for target in answers.predicted)
    what = f"word of {answers.task}'s dev data the tag" if tagged else f"dev text of {answers.task} the label"
    return f"the model gives every {what} '{only}'"


def _only_label(targets: Iterable[Target]) -> str | None:
    """The only label of these targets; None if there are several, or none."""
    only = None
    for target in targets:
        for label in (target,) if isinstance(target, str) else target:
            if only is not None and label != only:
                return None
            only = label
    return only
