"""Runs that are interrupted at a step, and what must be the same after they have been resumed."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from mtlkit.training.optimization import Optimization
from tests.soak.tiny_archive import read_members


@contextmanager
def interrupted_at(step: int) -> Iterator[None]:
    """Within the block, Ctrl-C comes in place of an optimizer step, counted from 0."""
    apply, steps = Optimization.apply, count()

    def interrupted(self: Optimization) -> None:
        if next(steps) == step:
            raise KeyboardInterrupt
        apply(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Optimization, "apply", interrupted)
        yield


def weights_of(run: Path) -> dict[str, bytes]:
    """The files of weights in the archive of a run."""
    members = read_members(run / "archive.tar.gz")
    return {name: content for name, content in members.items() if name.startswith("weights/")}


def check_same_weights(run: Path, other: Path) -> None:
    """Makes sure that the archives of two runs have the same weights, to the bit."""
    weights = weights_of(run)
    assert weights and weights == weights_of(other)
