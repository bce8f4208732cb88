"""Sizes, lengths, labels and words of corpora."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from mtlkit.data.corpus import Corpus


@final
@dataclass(frozen=True)
class SplitStatistics:
    """Figures about one split of one task."""

    task: str
    split: str
    texts: int
    tokens: int
    mean_length: float
    median_length: float
    max_length: int
    labels: dict[str, int]
    """How often each label or tag occurs, in descending order."""
    distinct_words: int
    """The number of distinct surface forms."""
    unknown_share: float | None
    """The fraction of tokens whose surface form does not occur in the task's train split; None for train itself, or if
    there is no train split.
    """
    skipped: dict[str, int] = field(default_factory=dict)
    """The number of texts that were left out, by reason."""
    structure: dict[str, int] = field(default_factory=dict)
    """The number of rows in the files that belong to no text, by what they are."""


def statistics(corpora: Mapping[str, Mapping[str, Corpus]]) -> list[SplitStatistics]:
    """Computes the figures of every split of every task, in the given order."""
    return [
        _statistics(task, split, corpus, splits.get("train") if split != "train" else None)
        for task, splits in corpora.items()
        for split, corpus in splits.items()
    ]


def _statistics(task: str, split: str, corpus: Corpus, train: Corpus | None) -> SplitStatistics:
    lengths = corpus.lengths
    labels = sorted(corpus.label_counts().items(), key=lambda item: (-item[1], item[0]))
    return SplitStatistics(
        task=task,
        split=split,
        texts=len(corpus),
        tokens=len(corpus.tokens),
        mean_length=float(lengths.mean()),
        median_length=float(np.median(lengths)),
        max_length=int(lengths.max()),
        labels=dict(labels),
        distinct_words=len(_words(corpus)),
        unknown_share=None if train is None else _unknown_share(corpus, _words(train)),
        skipped=corpus.skipped,
        structure=corpus.structure,
    )


def _words(corpus: Corpus) -> set[str]:
    return {form for form, count in zip(corpus.forms, corpus.form_counts(), strict=True) if count}


def _unknown_share(corpus: Corpus, known: set[str]) -> float:
    unknown = np.array([form not in known for form in corpus.forms])
    return float(unknown[corpus.tokens].mean())
