"""Every promise that `check_component` knows of components that are not modules can be broken, and is then named."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

import mtlkit
from mtlkit.config import Component

Class = type[Component]
Verdict = Callable[[Class, Class], str]


class Blanks(mtlkit.Tokenizer):
    """Cuts at single blanks."""

    def tokenize(self, text: str) -> list[str]:
        return text.split(" ")


class Restless(mtlkit.Record):
    """Counts how often it was asked."""

    asked = 0

    def observe(self, model: Any, splits: Any) -> Any:
        self.asked += 1
        return self.asked


class Pushing(mtlkit.Record):
    """Leaves gradients."""

    def observe(self, model: Any, splits: Any) -> Any:
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)


class Percent(mtlkit.Metric):
    """A share in percent."""

    target_kind: ClassVar[Any] = "label"
    headline: ClassVar[str] = "percent"
    right = 0.0

    def update(self, predicted: Sequence[Any], gold: Sequence[Any]) -> None:
        self.right += 100 * sum(map(str.__eq__, predicted, gold))

    def compute(self) -> dict[str, float]:
        return {"percent": self.right}


class Clean(Percent):
    """Gives a score that could be the clean one of another."""

    headline: ClassVar[str] = "right"

    def compute(self) -> dict[str, float]:
        return {"right": self.right / 300, "clean_right": self.right / 300}


class Right(mtlkit.AdditiveMetric):
    """Forgets how many there are."""

    target_kind: ClassVar[Any] = "label"
    headline: ClassVar[str] = "right"
    counted: ClassVar[tuple[str, ...]] = ("right", "texts")

    def counts(self, predicted: Any, gold: Any) -> tuple[int, ...]:
        return (int(predicted == gold),)

    def scores(self, sums: Any) -> dict[str, Any]:
        return {"right": sums[0] / sums[1].clip(1)}


class OneByOne(Right):
    """Scores one sum only."""

    def counts(self, predicted: Any, gold: Any) -> tuple[int, ...]:
        return int(predicted == gold), 1

    def scores(self, sums: Any) -> dict[str, Any]:
        right, texts = sums
        return {"right": right / texts if texts else 0.0}


class AllTogether(OneByOne):
    """Scores all sums as one."""

    def scores(self, sums: Any) -> dict[str, Any]:
        right, texts = sums
        return {"right": right.sum() / texts.sum().clip(1)}


class Stubborn(mtlkit.TaskSampler):
    """The global generator chooses."""

    def plan(self, num_batches: Mapping[str, int], epoch: int, num_epochs: int, generator: Any) -> list[str]:
        return [list(num_batches)[int(torch.randint(len(num_batches), ()))]] * 3


class Longer(mtlkit.TaskSampler):
    """Epochs that grow."""

    def plan(self, num_batches: Mapping[str, int], epoch: int, num_epochs: int, generator: Any) -> list[str]:
        return [next(iter(num_batches))] * (epoch + 1)


class Ascent(mtlkit.Optimizer):
    """Goes the wrong way."""

    def create(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=0.1, maximize=True)


class Negative(mtlkit.Schedule):
    """Falls below 0."""

    def factor(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        return 1.0 - step


class Worst(mtlkit.ModelSelection):
    """Likes bad epochs."""

    def scores(self, headlines: Mapping[str, float]) -> dict[str, float]:
        return {"model": -sum(headlines.values())}

    def weights_for(self, task: str) -> str:
        return "model"


class Unserved(mtlkit.ModelSelection):
    """Names no weights."""

    def scores(self, headlines: Mapping[str, float]) -> dict[str, float]:
        return {"model": sum(headlines.values())}

    def weights_for(self, task: str) -> str:
        return task


class Idle(mtlkit.UpdateStrategy):
    """Does nothing."""

    def step(self, model: Any, batches: Any, optimization: Any, precision: Any) -> Any:
        return None


class Selfish(mtlkit.UpdateStrategy):
    """Keeps its place to itself."""

    steps = 0

    def step(self, model: Any, batches: Any, optimization: Any, precision: Any) -> Any:
        self.steps += 1
        losses = [model.loss(batch).total for batch in batches]
        optimization.backward(self.steps * sum(losses))
        optimization.apply()
        return SimpleNamespace(
            losses=[(batch.task, loss.detach()) for batch, loss in zip(batches, losses, strict=True)]
        )


class Given(mtlkit.PoolSelector):
    """One path, whatever the pool."""

    path: ClassVar[mtlkit.ModulePath] = ()

    def __init__(self) -> None:
        super().__init__()
        self.log_prob = nn.Parameter(torch.tensor(-1.0))

    def sample(self, task: str, num_samples: int) -> mtlkit.Paths:
        ones_N = torch.ones(num_samples)
        return mtlkit.Paths([self.path] * num_samples, ones_N * self.log_prob, ones_N, ones_N)

    def best(self, task: str) -> mtlkit.ModulePath:
        return self.path


class TooLong(Given):
    """Stacks more than it may."""

    path: ClassVar[mtlkit.ModulePath] = (0, 0, 0, 0)


class FromOne(Given):
    """Counts modules from 1."""

    path: ClassVar[mtlkit.ModulePath] = (1, 4)


class Unteachable(Given):
    """Gives probabilities that depend on nothing."""

    def sample(self, task: str, num_samples: int) -> mtlkit.Paths:
        paths = super().sample(task, num_samples)
        return replace(paths, log_probs_N=paths.log_probs_N.detach() + 0 * self.log_prob)


class Wavering(Given):
    """Draws its best path."""

    def best(self, task: str) -> mtlkit.ModulePath:
        return tuple(torch.randint(4, (3,)).tolist())


class Nameless(mtlkit.DatasetReader):
    """Knows no errors of users."""

    target_kind = "label"

    def files(self, source: str) -> list[Any]:
        return [source]

    def read(self, source: str) -> Any:
        return open(source)

    def parse(self, raw: Any) -> mtlkit.Instance:
        return mtlkit.Instance(tuple(raw.split()))


class Unclosed(mtlkit.Logger):
    """Cannot be closed."""

    def step(self, step: Any) -> None: ...

    def epoch(self, end: Any) -> None: ...

    def close(self) -> None:
        raise OSError("disk full")


BROKEN: dict[str, tuple[Class, Class]] = {
    "for '' it gives [''] instead of an empty list": (mtlkit.Tokenizer, Blanks),
    "it says something else the second time, though nothing was trained": (mtlkit.Record, Restless),
    "it leaves gradients behind, which the next step would add to": (mtlkit.Record, Pushing),
    "for perfect predictions its headline is 300.0, not 1": (mtlkit.Metric, Percent),
    "its scores need other names: 'clean_right' is not the name of a metric": (mtlkit.Metric, Clean),
    "it counts ('right', 'texts'), but gives [1] counts of a text": (mtlkit.Metric, Right),
    "asked for the scores of several sums at once it raises ValueError": (mtlkit.Metric, OneByOne),
    "its right of one of several sums is another than that of the same sum alone": (mtlkit.Metric, AllTogether),
    "it draws from torch's own generator, not from the one given": (mtlkit.TaskSampler, Stubborn),
    "its epochs have different numbers of batches, [1, 2, 3]; schedules need one": (mtlkit.TaskSampler, Longer),
    "a step does not lower a convex loss": (mtlkit.Optimizer, Ascent),
    "its factors are negative or not finite": (mtlkit.Schedule, Negative),
    "when one gets better, its score 'model' gets lower": (mtlkit.ModelSelection, Worst),
    "weights_for('one') is 'one', which is none of its scores ['model']": (mtlkit.ModelSelection, Unserved),
    "a step changes no parameter": (mtlkit.UpdateStrategy, Idle),
    "after its state was saved and loaded, it takes another step": (mtlkit.UpdateStrategy, Selfish),
    "its path (0, 0, 0, 0) is longer than max_length, 3": (mtlkit.PoolSelector, TooLong),
    "its path (1, 4) names a module that is none of 0 to 3": (mtlkit.PoolSelector, FromOne),
    "its parameter log_prob gets no gradient": (mtlkit.PoolSelector, Unteachable),
    "though nothing was trained": (mtlkit.PoolSelector, Wavering),
    "files() gives something that is no Path": (mtlkit.DatasetReader, Nameless),
    "when it is closed it raises OSError: disk full": (mtlkit.Logger, Unclosed),
}
"""By the sentence that it is told: the interface, and a component that breaks a promise of it."""


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_broken_component_is_told_what_is_wrong(verdict: Verdict, sentence: str) -> None:
    assert sentence in verdict(*BROKEN[sentence])
