"""Metrics: scores of predictions against gold targets, computed without tensors.

Shapes: C counts, x any shape (that of the resamples scored at once, or none).
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, final

import numpy
from numpy.typing import NDArray

from mtlkit.config import Component
from mtlkit.data.instance import Target, TargetKind
from mtlkit.data.tag_schemes import spans
from mtlkit.errors import ComponentError
from mtlkit.figures import score_problem


class Metric(Component):
    """Scores a task's predictions against its gold targets. One instance serves one evaluation.

    Metrics see labels as strings, never as ids or tensors, and do not depend on the head that predicted them. A metric
    that is a function of sums over texts, as most are, should derive from `AdditiveMetric`, which makes `mtlkit
    compare` fast.
    """

    target_kind: ClassVar[TargetKind]
    """The kind of target that the metric can score: one label per text, or one tag per word."""

    needs_spans: ClassVar[bool] = False
    """Whether the metric scores spans only, so that it is always 0 for tags that mark none, such as parts of speech."""

    headline: ClassVar[str]
    """The key of `compute` that model selection uses; higher is better."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Raises ComponentError for a headline that could be confused with another figure, such as `clean_f1`."""
        super().__init_subclass__(**kwargs)
        headline = vars(cls).get("headline")
        if isinstance(headline, str) and (problem := score_problem(headline)) is not None:
            raise ComponentError(f"{cls.__module__}.{cls.__qualname__}: headline: {problem}")

    @abstractmethod
    def update(self, predicted: Sequence[Target], gold: Sequence[Target]) -> None:
        """Adds a batch. `predicted[i]` is the answer for `gold[i]`; tags are compared word by word.

        Raises:
            ValueError: the two differ in length.
        """

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Returns the scores of everything added so far, by name, as fractions from 0 to 1; 0 if nothing was added.

        The names are always the same. None may begin with `clean_`, which marks scores on clean texts, or be `majority`
        or `share`, which are figures of mtlkit's own.
        """


Counts = NDArray[numpy.float64]


class AdditiveMetric(Metric):
    """A metric that counts events in each text and computes its scores from the sums.

    Subclasses define only `counts` and `scores`. `update` and `compute` are derived from them, and so are the scores of
    the thousands of resamples that `mtlkit compare` draws, all at once. Other metrics are recomputed for each resample.
    """

    counted: ClassVar[tuple[str, ...]]
    """The names of the C counts, in the order in which `counts` returns and `scores` expects them."""

    def __init__(self) -> None:
        self._sums = numpy.zeros(len(self.counted))

    @abstractmethod
    def counts(self, predicted: Target, gold: Target) -> Sequence[float]:
        """Returns the C counts of one text.

        Raises:
            ValueError: `predicted` and `gold` have different numbers of tags.
        """

    @abstractmethod
    def scores(self, sums: Counts) -> dict[str, Counts]:
        """Computes the scores from sums of shape (C, x), each score of shape (x); 0 where there is nothing to count."""

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
    """The fraction of texts whose label is correct."""

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
    """The fraction of words whose tag is correct, over all texts, so that long texts weigh more than short ones."""

    target_kind: ClassVar[TargetKind] = "tags"
    headline: ClassVar[str] = "token_accuracy"
    counted: ClassVar[tuple[str, ...]] = ("right", "words")

    def counts(self, predicted: Target, gold: Target) -> tuple[int, int]:
        return sum(tag == right for tag, right in zip(predicted, gold, strict=True)), len(gold)

    def scores(self, sums: Counts) -> dict[str, Counts]:
        right, words = sums
        return {"token_accuracy": right / numpy.maximum(words, 1)}


@final
@Metric.register("span_f1")
class SpanF1(AdditiveMetric):
    """Micro-averaged F1, precision and recall of spans; a span is correct if its type and both ends are.

    Tags have the letter first, as in `B-PER`, and may be of any scheme (see `mtlkit.data.spans`). In an experiment they
    are IOB2, to which a task's tags are converted when they are read. A tag that continues no span of its type begins
    one. On well-formed tags, the scores equal those of seqeval's strict mode.

    Source: the script conlleval of the CoNLL-2000 shared task (Tjong Kim Sang and Buchholz 2000).
    """

    target_kind: ClassVar[TargetKind] = "tags"
    needs_spans: ClassVar[bool] = True
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
