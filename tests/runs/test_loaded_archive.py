"""Archives that several threads use at once answer as they do alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import torch
from torch import Tensor

from mtlkit.data import Corpus, Instance
from mtlkit.runs.loaded_archive import LoadedArchive, load_archive
from mtlkit.runs.predict import as_batch
from tests.soak.tiny_archive import write_tiny

THREADS = 8
TEXTS = [" ".join(["fine", "dull", "film", "unseen"][number % 4 :] * (3 + number)) for number in range(8)]


def passing(communicator: str) -> dict[str, Any]:
    return {"type": "message_passing", "hidden_dim": 48, "communicator": {"type": communicator}}


SCHEMES: dict[str, dict[str, Any]] = {
    "direct": passing("direct"),
    "indirect": passing("indirect"),
    "bilstm": {"type": "fully_shared", "encoder": {"type": "bilstm", "hidden_dim": 24}},
    "stitched": {"type": "cross_stitch", "encoder": {"type": "lstm", "hidden_dim": 24}},
}
TRAINERS: list[dict[str, Any]] = [
    {"kernels": "compiled", "threads": 1},
    {"kernels": "pure", "threads": 4},
    {"kernels": "plain", "threads": 1, "network_threads": 2},
    {"kernels": "auto", "threads": 4},
]


def bits(archive: LoadedArchive) -> list[Tensor]:
    """All that comes of the texts, before anything is rounded."""
    inner = archive._archive
    corpus = Corpus.from_instances([Instance(tuple(text.split())) for text in TEXTS], "label")
    model = inner.model_for("books")
    with torch.inference_mode():
        decoded, trace = model.decode_with_trace(as_batch(inner, "books", corpus))
        shared = model.decode(as_batch(inner, "books", corpus))
    assert decoded.confidence_B is not None and shared.confidence_B is not None
    weights = getattr(trace, "weights_BTN", None)
    return [decoded.ids, decoded.confidence_B, shared.confidence_B, *([] if weights is None else [weights])]


def answers(archive: LoadedArchive) -> tuple[list[Tensor], list[Any]]:
    return bits(archive), [archive.predict(TEXTS, "books"), archive.predict(TEXTS, "news")]


def assert_same(found: tuple[list[Tensor], list[Any]], expected: tuple[list[Tensor], list[Any]]) -> None:
    assert len(found[0]) == len(expected[0])
    assert all(torch.equal(one, other) for one, other in zip(found[0], expected[0], strict=True))
    assert found[1] == expected[1]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[LoadedArchive]:
    folder = tmp_path_factory.mktemp("archives")
    found = []
    for scheme, sharing in SCHEMES.items():
        for number, trainer in enumerate(TRAINERS):
            path: Path = folder / f"{scheme}-{number}.tar.gz"
            write_tiny(path, sharing, trainer)
            found.append(load_archive(path))
    return found


def test_eight_threads_get_the_answers_of_one(archives: list[LoadedArchive]) -> None:
    number = torch.get_num_threads()
    expected = [answers(archive) for archive in archives]
    settings = [archive._archive.model_for("books").compute for archive in archives]
    begin = Barrier(THREADS)

    def run(thread: int) -> tuple[int, list[tuple[int, Any]]]:
        before = torch.get_num_threads()
        begin.wait()
        places = [(place * 5 + thread * 3) % len(archives) for place in range(len(archives))]  # 5 is prime to 16
        found = [(place, answers(archives[place])) for place in places]
        assert torch.get_num_threads() == before
        return before, found

    with ThreadPoolExecutor(THREADS) as threads:
        for before, found in threads.map(run, range(THREADS)):
            assert before == number, "what threads take over is as it was before any archive was loaded"
            assert sorted(place for place, _ in found) == list(range(len(archives)))
            for place, own in found:
                assert_same(own, expected[place])
    assert torch.get_num_threads() == number
    assert [archive._archive.model_for("books").compute for archive in archives] == settings


@pytest.mark.parametrize("number", [2, 4])
def test_answers_do_not_depend_on_how_torch_is_set(archives: list[LoadedArchive], number: int) -> None:
    expected = [answers(archive) for archive in archives]
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        for archive, own in zip(archives, expected, strict=True):
            assert_same(answers(archive), own)
        assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(before)


def test_threads_that_use_one_archive(archives: list[LoadedArchive]) -> None:
    for archive in archives[:: len(TRAINERS)]:
        expected = answers(archive)
        with ThreadPoolExecutor(THREADS) as threads:
            for found in threads.map(lambda _, own=archive: answers(own), range(THREADS)):
                assert_same(found, expected)
