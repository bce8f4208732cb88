"""Memory that runs out where nothing is learned: a sentence with the remedy, and the remedy helps. By a real limit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.soak.forked import Circumstances, run_forked

LITTLE, MORE = 280 * 2**20, 900 * 2**20
"""Bytes beside what imports take."""
NUM_TEXTS, LENGTH, DIM = 16, 30_000, 800
"""Their embeddings take 1,465 MiB at once, and 92 one by one. Neither is near the limit, since threads and allocators
take addresses that they never use."""
Limited = Callable[..., str]


@pytest.fixture
def limited(elsewhere: Path, tmp_path: Path) -> Limited:
    """Runs `mtlkit` with little memory beside what its imports take; what it says at last, if it fails."""

    def run_limited(*arguments: str | Path, code: int = 2, memory: int = MORE) -> str:
        limit = Circumstances(more_memory=memory, environment=(("MTLKIT_CACHE", str(tmp_path / "cache")),))
        ended, output = run_forked(arguments, tmp_path / "log", limit)
        assert ended == code and "Traceback" not in output, output
        return output.rstrip().rpartition("\n")[2]

    return run_limited


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """Texts that are too long to be taken together."""
    path = tmp_path / "long.tsv"
    path.write_text(f"positive\t{'a ' * LENGTH}\n" * NUM_TEXTS)
    return path


@pytest.fixture
def wide(experiment: dict[str, Any]) -> dict[str, Any]:
    """An experiment with a network that is fast on long texts."""
    del experiment["tasks"]["films"]
    encoder = {"type": "cnn", "filters": 4, "width": 1}
    experiment["model"] = {
        "embedder": {"type": "words", "dim": DIM},
        "sharing": {"type": "fully_shared", "encoder": encoder},
    }
    experiment["trainer"] = {"epochs": 1}
    return experiment


def test_test_data_that_do_not_fit_end_a_run_which_goes_on_in_smaller_batches(
    wide: dict[str, Any], write: Callable[[dict[str, Any]], Path], limited: Limited, long: Path, tmp_path: Path
) -> None:
    wide["tasks"]["books"]["test"] = str(long)
    told = limited("train", write(wide), "-s", tmp_path / "run")
    assert f"out of memory scoring a batch of 16 texts of books, of up to {LENGTH:,} words; lower evaluation_" in told
    wide["trainer"]["evaluation_batch_size"] = 1
    limited("train", write(wide), "-s", tmp_path / "run", "--resume-anyway", code=0)
    assert "books/accuracy" in json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]


def test_an_archive_is_asked_for_less_at_a_time(
    wide: dict[str, Any], write: Callable[[dict[str, Any]], Path], limited: Limited, long: Path, tmp_path: Path
) -> None:
    wide["tasks"]["books"]["max_length"] = LENGTH + 1  # without it so long a text is not answered
    limited("train", write(wide), "-s", tmp_path / "run", code=0)
    score = ("evaluate", tmp_path / "run", "--file", long)
    assert limited(*score).endswith("or give mtlkit evaluate or report a smaller --batch-size")
    limited(*score, "--batch-size", "1", code=0)
    answer = ("predict", tmp_path / "run", long, "--output", tmp_path / "answers.jsonl")
    told = limited(*answer, memory=MORE // 2)
    assert told.startswith("out of memory answering 4 texts, of up to 30,000 words; give shorter texts, or a smaller")
    limited(*answer, "--batch-size", "1", code=0, memory=MORE // 2)
    told = limited("explain", tmp_path / "run", *["a " * LENGTH] * NUM_TEXTS)
    assert told == "out of memory answering 16 texts, of up to 30,000 words; give shorter texts, or fewer at a time"


@pytest.mark.parametrize("verb", ["train", "check"])
def test_a_model_that_does_not_fit_cannot_be_built(
    wide: dict[str, Any], write: Callable[[dict[str, Any]], Path], limited: Limited, tmp_path: Path, verb: str
) -> None:
    wide["model"]["embedder"]["dim"] = 4_000_000
    options = ["-s", tmp_path / "run"] if verb == "train" else ["--data"]
    told = limited(verb, write(wide), *options, memory=LITTLE)
    assert told == "out of memory building the model; make its dimensions or its vocabulary smaller"
    assert not (tmp_path / "run").exists()


def test_what_has_no_sentence_of_its_own_has_one_all_the_same(
    wide: dict[str, Any], write: Callable[[dict[str, Any]], Path], limited: Limited, tmp_path: Path
) -> None:
    (tmp_path / "books.train.tsv").write_text(f"positive\t{'aa ' * 5_500_000}\n")
    told = limited("train", write(wide), "-s", tmp_path / "run", memory=LITTLE)
    assert told.startswith("out of memory; make the model, its voc")
