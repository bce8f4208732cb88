"""Metrics: scores of predictions against gold targets, without tensors.

Shapes: C counts, x any shape: of the resamples that are scored at once, or none.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, final

import numpy
from numpy.typing import NDArray

from mtlkit.config import Component
from mtlkit.data.instance import Target, TargetKind
from mtlkit.errors import ComponentError
from mtlkit.figures import score_problem


class Metric(Component):
    """Scores a task's predictions against its gold targets; one instance counts for one evaluation.

    Metrics see labels as words, never ids or tensors, and know nothing of the head that predicted them. One that scores
    sums over texts, as most do, derives from `AdditiveMetric`: then `mtlkit compare` is fast with it.
    """

    target_kind: ClassVar[TargetKind]
    """What it can score: one label per text, or one tag per word."""

    headline: ClassVar[str]
    """The key of `compute` that chooses between models; higher is better."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuses a headline that could not be told from another figure, such as `clean_f1`, with a ComponentError."""
        super().__init_subclass__(**kwargs)
        headline = vars(cls).get("headline")
        if isinstance(headline, str) and (problem := score_problem(headline)) is not None:
            raise ComponentError(f"{cls.__module__}.{cls.__qualname__}: headline: {problem}")

    @abstractmethod
    def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
        """Counts a batch; `predicted[i]` answers `gold[i]`, and tags pair up word by word.

        Raises:
            ValueError: the two are not equally long.
        """

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """The scores of everything counted so far, by name, as fractions from 0 to 1; 0 where nothing was counted.

        The names are always the same. None begins with `clean_`, which marks scores on clean texts, and none is
        `majority` or `share`, which are figures of mtlkit's own.
        """


Counts = NDArray[numpy.float64]


class AdditiveMetric(Metric):
    """A metric that counts something in each text and scores the sums.

    `counts` and `scores` are all of its mathematics: `update` and `compute` come of them, and so do the scores of
    thousands of resamples at once, which `mtlkit compare` draws. Other metrics are computed anew on each.
    """

    counted: ClassVar[tuple[str, ...]]
    """What is counted, C names, in the order in which `counts` gives and `scores` takes them."""

    def __init__(self) -> None:
        self._sums = numpy.zeros(len(self.counted))

    @abstractmethod
    def counts(self, predicted: Target, gold: Target) -> Sequence[float]:
        """The C counts of one text.

        Raises:
            ValueError: `predicted` has not as many tags as `gold`.
        """

    @abstractmethod
    def scores(self, sums: Counts) -> dict[str, Counts]:
        """The scores of sums (C, x), each of the shape (x); 0 where there is nothing to count."""

    @final
    def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
        for answer, truth in zip(predicted, gold, strict=True):
            self._sums += self.counts(answer, truth)

    @final
    def compute(self) -> dict[str, float]:
        return {name: float(score) for name, score in self.scores(self._sums).items()}


@final
@Metric.register("accuracy")
class Accuracy(AdditiveMetric):
    """The share of texts whose label is right."""

    target_kind: ClassVar[TargetKind] = "label"
    headline: ClassVar[str] = "accuracy"
    counted: ClassVar[tuple[str, ...]] = ("right", "texts")

    def counts(self, predicted: Target, gold: Target) -> tuple[int, int]:
        return int(predicted == gold), 1

    def scores(self, sums: Counts) -> dict[str, Counts]:
        right, texts = sums
        return {"accuracy": right / numpy.maximum(texts, 1)}


@final
@Metric.register("token_accuracy")
class TokenAccuracy(AdditiveMetric):
    """The share of words whose tag is right, over all texts: a long text weighs more than a short one."""

    target_kind: ClassVar[TargetKind] = "tags"
    headline: ClassVar[str] = "token_accuracy"
    counted: ClassVar[tuple[str, ...]] = ("right", "words")

    def counts(self, predicted: Target, gold: Target) -> tuple[int, int]:
        return sum(tag == right for tag, right in zip(predicted, gold, strict=True)), len(gold)

    def scores(self, sums: Counts) -> dict[str, Counts]:
        right, words = sums
        return {"token_accuracy": right / numpy.maximum(words, 1)}


Span = tuple[str, int, int]
"""Type, first word, and the word after the last."""


@final
@Metric.register("span_f1")
class SpanF1(AdditiveMetric):
    """Micro-averaged F1, precision and recall of spans; a span is right if its type and both ends are.

    Source: the script conlleval of the CoNLL-2000 shared task (Tjong Kim Sang and Buchholz 2000), for BIO tags.
    """

    target_kind: ClassVar[TargetKind] = "tags"
    headline: ClassVar[str] = "f1"
    counted: ClassVar[tuple[str, ...]] = ("right", "predicted", "gold")

    def counts(self, predicted: Target, gold: Target) -> tuple[int, int, int]:
        if len(predicted) != len(gold):
            raise ValueError(f"{len(predicted)} predicted tags for {len(gold)} words")
        found, wanted = set(spans(predicted)), set(spans(gold))
        return len(found & wanted), len(found), len(wanted)

    def scores(self, sums: Counts) -> dict[str, Counts]:
        right, predicted, gold = sums
        return {
            "f1": 2 * right / numpy.maximum(predicted + gold, 1),
            "precision": right / numpy.maximum(predicted, 1),
            "recall": right / numpy.maximum(gold, 1),
        }


def spans(tags: Iterable[str]) -> list[Span]:
    """The spans of a BIO sequence, well-formed or not, in order.

    As in conlleval, `I-x` that does not continue a span of type x begins one; a tag other than `B-x` and `I-x`
    stands outside all spans.
    """
    found: list[Span] = []
    opened: tuple[str, int] | None = None
    for position, tag in enumerate((*tags, "O")):
        prefix, _, kind = tag.partition("-")
        if opened and prefix == "I" and kind == opened[0]:
            continue
        if opened:
            found.append((*opened, position))
        opened = (kind, position) if prefix in ("B", "I") else None
    return found
