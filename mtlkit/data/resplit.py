"""Draws the splits of a task from the texts of its files."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtlkit.config import Spec
from mtlkit.data.corpus import Corpus
from mtlkit.errors import DataError
from mtlkit.types import NonNegativeInt, PositiveInt


class ResplitSettings(Spec):
    """Pools the texts of a task's files and draws its splits at random; the remainder is used for training.

    A train file is enough. Files that hold the same texts are refused, since copies of one text would get into two
    splits.
    """

    dev: PositiveInt
    """The number of dev texts, drawn from the train file, and from the dev file if there is one."""
    test: PositiveInt | None = None
    """The number of test texts; the texts of the test file, if there is one, are then pooled with the others. None
    keeps the test file as it is.
    """
    seed: NonNegativeInt = 0
    """The seed that decides which texts are drawn. It is separate, so that another seed of the experiment keeps the
    splits.
    """
    keep_together: bool = False
    """Whether texts that occur several times in the files are drawn into one split with all of their copies. Otherwise
    copies of a dev or test text may be trained on, which is reported. Where no text is repeated, the setting changes
    nothing.
    """

    drawn_as: str | None = None
    """A name that decides the draw in place of the task's. Tasks whose files hold the same texts, such as the columns
    of one file, get the same texts in each split if they have this name in common; otherwise one may be trained on the
    dev texts of another.
    """

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that are drawn."""
        return ("train", "dev") if self.test is None else ("train", "dev", "test")


def resplit(corpora: Mapping[str, Corpus], settings: ResplitSettings, task: str) -> dict[str, Corpus]:
    """Draws the splits. Each text of the files is in exactly one of them, in the order of the files.

    Args:
        corpora: the texts to draw from, by the split whose file holds them: `train`, and `dev` and `test` if there are
            such files. Those of other splits than `settings.splits` are not used.
        settings: the number of texts of each split.
        task: the name of the task; each task is drawn independently, unless `settings.drawn_as` is given.

    Returns:
        The corpora of `settings.splits`.

    Raises:
        DataError: there are too few texts, or copies that are kept together do not add up to the numbers wanted.
    """
    whole = Corpus.joined([corpora[split] for split in settings.splits if split in corpora])
    sizes = {"dev": settings.dev, "test": settings.test or 0}
    if (wanted := sum(sizes.values())) >= len(whole):
        raise DataError(f"{wanted:,} of {len(whole):,} texts are asked for, and training needs some; ask for less")
    digest = hashlib.sha256(f"{settings.seed}/{settings.drawn_as or task}".encode()).digest()
    generator = np.random.default_rng(list(digest))
    draw = _with_copies if settings.keep_together else _one_by_one
    drawn = draw(whole, sizes, generator)
    # Skipped texts and rows of structure belong to no split, so they are counted once, under train.
    counted = {"train": (whole.skipped, whole.structure)}
    found = {}
    for split in settings.splits:
        skipped, structure = counted.get(split, ({}, {}))
        found[split] = replace(whole.select(np.sort(drawn[split])), skipped=skipped, structure=structure)
    return found


def _one_by_one(
    whole: Corpus, sizes: Mapping[str, int], generator: np.random.Generator
) -> dict[str, NDArray[np.integer]]:
    """Returns the positions of the texts of each split, where each text is drawn independently of its copies."""
    order = generator.permutation(len(whole))
    dev, wanted = sizes["dev"], sum(sizes.values())
    return {"train": order[wanted:], "dev": order[:dev], "test": order[dev:wanted]}


def _with_copies(
    whole: Corpus, sizes: Mapping[str, int], generator: np.random.Generator
) -> dict[str, NDArray[np.integer]]:
    """Returns the positions of the texts of each split, where all copies of a text are drawn into the same split.

    Distinct texts are taken in a random order into the first split that has room for all of their copies. Without
    repeated texts the result is that of `_one_by_one`.
    """
    groups = _copies(whole)
    free = dict(sizes)
    drawn: dict[str, list[int]] = {"train": [], **{split: [] for split in sizes}}
    for number in generator.permutation(len(groups)).tolist():
        group = groups[number]
        split = next((split for split, room in free.items() if len(group) <= room), "train")
        drawn[split].extend(group)
        if split in free:
            free[split] -= len(group)
    _check_full(sizes, free)
    return {split: np.array(positions, np.int64) for split, positions in drawn.items()}


def _copies(whole: Corpus) -> Sequence[Sequence[int]]:
    """Returns the positions of each distinct text, in the order in which the texts first occur."""
    found: dict[int, list[int]] = {}
    for position, digest in enumerate(whole.digests.tolist()):
        found.setdefault(digest, []).append(position)
    return list(found.values())


def _check_full(sizes: Mapping[str, int], free: Mapping[str, int]) -> None:
    """Refuses splits that are not full because copies were kept together.

    With the numbers that the message gives, the same texts are drawn as here, and both splits are full.
    """
    if not any(free.values()):
        return
    found = {split: size - free[split] for split, size in sizes.items() if size}
    wanted = ", ".join(f"{sizes[split]:,} {split}" for split in found)
    if all(found.values()):
        remedy = "ask for " + ", ".join(f"{split}: {size}" for split, size in found.items())
    else:
        remedy = "ask for more, or remove copies from the files"
    raise DataError(f"keep_together: texts with all their copies do not add up to {wanted}; {remedy}")
