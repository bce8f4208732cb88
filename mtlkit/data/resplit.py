"""Redistributes the texts of a task's files among its splits."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mtlkit.config import Spec
from mtlkit.data.corpus import Corpus
from mtlkit.errors import DataError
from mtlkit.types import NonNegativeInt, PositiveInt


class ResplitSettings(Spec):
    """Pools the texts of a task's files and draws its splits at random; the remainder is used for training."""

    dev: PositiveInt
    """The number of dev texts, drawn from the train and dev files."""
    test: PositiveInt | None = None
    """The number of test texts; the texts of the test file are then pooled with the others. None keeps the test file as
    it is.
    """
    seed: NonNegativeInt = 0
    """The seed that decides which texts are drawn. It is separate, so that another seed of the experiment keeps the
    splits.
    """

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that are redrawn."""
        return ("train", "dev") if self.test is None else ("train", "dev", "test")


def resplit(corpora: Mapping[str, Corpus], settings: ResplitSettings, task: str) -> dict[str, Corpus]:
    """Redraws the splits. Each text of the files is in exactly one of them, in the order of the files.

    Args:
        corpora: the corpora of `settings.splits`.
        settings: the number of texts of each split.
        task: the name of the task; each task is drawn independently.

    Raises:
        DataError: there are too few texts.
    """
    whole = Corpus.joined([corpora[split] for split in settings.splits])
    wanted = settings.dev + (settings.test or 0)
    if wanted >= len(whole):
        raise DataError(f"{wanted:,} of {len(whole):,} texts are asked for, and training needs some; ask for less")
    digest = hashlib.sha256(f"{settings.seed}/{task}".encode()).digest()
    order = np.random.default_rng(list(digest)).permutation(len(whole))
    sizes = {"dev": settings.dev, "test": settings.test or 0}
    drawn = {"train": order[wanted:], "dev": order[: sizes["dev"]], "test": order[sizes["dev"] : wanted]}
    # What readers have skipped is in no split; it is counted once.
    counted = {"train": whole.skipped}
    return {
        split: replace(whole.select(np.sort(drawn[split])), skipped=counted.get(split, {})) for split in settings.splits
    }
