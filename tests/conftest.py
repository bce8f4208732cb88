"""One way of running for all tests, generated text, and the real data, where there are any."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from mtlkit.config import Component
from mtlkit.data import cache_folder, fetch_vader
from mtlkit.errors import DataError
from mtlkit.plugins import load_plugins

hypothesis.settings.register_profile("mtlkit", deadline=None, derandomize=True)
hypothesis.settings.load_profile("mtlkit")
torch.set_num_threads(1)  # small recurrences are slower with more

GOOD, BAD = ["fine", "warm", "bright", "kind"], ["dull", "cold", "bleak", "cruel"]
FILLER = ["the", "a", "film", "book", "plot", "cast", "was", "seemed", "rather", "very", "quite", "of", "with", "and"]


def write_corpus(path: Path, size: int, seed: int) -> None:
    """Texts whose label is decided by one word among filler."""
    generator = random.Random(seed)
    lines = []
    for _ in range(size):
        label = generator.choice(["positive", "negative"])
        words = generator.choices(FILLER, k=generator.randint(3, 12))
        words.insert(generator.randrange(len(words)), generator.choice(GOOD if label == "positive" else BAD))
        lines.append(f"{label}\t{' '.join(words)}\n")
    path.write_text("".join(lines))


@pytest.fixture(scope="session")
def make_corpus() -> Callable[[Path, int, int], None]:
    """Writes such texts to a file, for what outlives a test."""
    return write_corpus


@pytest.fixture(scope="session")
def kernels() -> Path:
    """The folder of compiled kernels in the real cache: they take seconds to build."""
    folder = cache_folder() / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of the corpora that are too large to be fetched."""
    folder = os.environ.get("MTLKIT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MTLKIT_DATA names no folder with the real corpora")
    return Path(folder)


@pytest.fixture(scope="session")
def vader_corpora() -> Path:
    """The folder of the VADER corpora in the cache, fetched if need be."""
    try:
        return fetch_vader(cache_folder(), print)
    except DataError as error:
        pytest.skip(f"the VADER corpora are neither cached nor reachable: {error}")


@pytest.fixture
def registry() -> Iterator[None]:
    """Forgets the interfaces and components that a test declares."""
    load_plugins()  # else one whose first import is in the test would be forgotten, and never be imported again
    names, kinds = Component._registry, Component._interfaces
    before = {interface: dict(known) for interface, known in names.items()}
    kinds_before = dict(kinds)
    yield
    for interface in list(names):
        names[interface] = before.get(interface, {})
    kinds.clear()
    kinds.update(kinds_before)
