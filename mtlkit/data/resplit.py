"""Shares the texts of a task's files out anew."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mtlkit.config import Spec
from mtlkit.data.corpus import Corpus
from mtlkit.errors import DataError
from mtlkit.types import NonNegativeInt, PositiveInt


class ResplitSettings(Spec):
    """Takes the texts of a task's files together and draws its splits anew; what is left is for training."""

    dev: PositiveInt
    """Texts for dev, out of the train and dev files."""
    test: PositiveInt | None = None
    """Texts for test; the test file's join the others then. None leaves that file as it is."""
    seed: NonNegativeInt = 0
    """Which texts: their own seed, so that another seed of the experiment keeps the splits."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Those that are drawn anew."""
        return ("train", "dev") if self.test is None else ("train", "dev", "test")


def resplit(corpora: Mapping[str, Corpus], settings: ResplitSettings, task: str) -> dict[str, Corpus]:
    """The splits drawn anew. Each text of the files is in one of them, in the files' order within it.

    Args:
        corpora: the files of `settings.splits`.
        settings: how many texts go where.
        task: each task is drawn for itself.

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
