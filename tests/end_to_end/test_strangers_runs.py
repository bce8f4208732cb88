"""Run directories that a stranger may have forged, and surroundings that are odd: every verb ends in a sentence."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlkit.errors import ConfigError, RunError
from mtlkit.files import cache_folder, new_file
from mtlkit.runs import documents, predictions
from mtlkit.runs.predictions import read_predictions
from tests.end_to_end.test_damaged_runs import READERS, complains, folder, kept  # noqa: F401  # fixtures

Run = Callable[..., subprocess.CompletedProcess[str]]
NO_PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def endless(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def sparse(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(40 * 2**30)


@NO_PIPES
@pytest.mark.parametrize("name", ["meta.json", "metrics.json", "experiment.resolved.json"])
@pytest.mark.parametrize("forge", [pipe, endless, sparse])
def test_a_document_that_has_no_end_is_damaged(
    folder: Path,  # noqa: F811
    run: Run,
    name: str,
    forge: Callable[[Path], None],
) -> None:
    file = folder / "run" / name
    forge(file)
    for reader in ("diff", "compare", "report"):
        result = run(*READERS[reader](folder))
        complains(result, file)
        said = ("is a pipe or a device", "has more than 16 MiB", "is a link that leads out of the run")
        assert any(each in result.stderr for each in said)


@NO_PIPES
@pytest.mark.parametrize("name", ["meta.json", "metrics.jsonl", "sharing.jsonl", "archive.tar.gz"])
def test_a_run_with_a_pipe_is_not_resumed(folder: Path, run: Run, name: str) -> None:  # noqa: F811
    file = folder / "run" / name
    file.touch()
    pipe(file)
    complains(run(*READERS["resume"](folder)), file)


@NO_PIPES
@pytest.mark.parametrize("name", ["words.txt", "characters.txt", "labels.books.txt"])
def test_a_vocabulary_in_a_pipe_is_not_waited_for(folder: Path, run: Run, name: str) -> None:  # noqa: F811
    """Whoever resumes a run reads its vocabulary."""
    file = folder / "run" / "vocabulary" / name
    pipe(file)
    for reader in ("resume", "resume anyway"):
        result = run(*READERS[reader](folder))
        complains(result, file.parent)
        assert "is not a regular file" in result.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.books.txt", ""),
        ("vocabulary.json", '{"lowercase": true, "tasks": ["books"]}'),
        ("vocabulary.json", '{"lowercase": true, "tasks": []}'),
    ],
)
def test_a_vocabulary_that_lacks_labels_is_damaged(folder: Path, run: Run, name: str, content: str) -> None:  # noqa: F811
    """Models are built from it; nothing is begun with one that no run has written."""
    file = folder / "run" / "vocabulary" / name
    file.write_text(content)
    for reader in ("resume", "resume anyway"):
        complains(run(*READERS[reader](folder)), file.parent)


@NO_PIPES
@pytest.mark.parametrize("name", ["metrics.jsonl", "sharing.jsonl"])
def test_a_report_of_a_log_that_is_a_pipe(folder: Path, run: Run, name: str) -> None:  # noqa: F811
    file = folder / "run" / name
    file.touch()
    pipe(file)
    complains(run(*READERS["report"](folder)), file)


def test_numbers_beyond_all_numbers_in_meta_data_are_refused(folder: Path, run: Run) -> None:  # noqa: F811
    file = folder / "run" / "meta.json"
    file.write_text(file.read_text().rstrip().removesuffix("}") + ', "seconds": 1e400}')
    for reader in ("diff", "compare", "report", "resume"):
        complains(run(*READERS[reader](folder)), file)


HEADER = b'{"task": "books", "split": "test", "texts": "x", "metrics": []}\n'


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"[1]\n[2]\n",
        b'{"a":' * 100_000,
        HEADER + b'{"gold": ' + b"9" * 5000 + b', "predicted": "x"}\n',
        HEADER + b'{"gold": {"a": 1}, "predicted": "x"}\n',
        HEADER + b'{"gold": "x", "predicted": [["x"]]}\n',
        HEADER + b'{"gold": "x", "predicted": null}\n',
        HEADER + b'{"gold": "x", "predicted": "x", "clean": 7}\n',
        HEADER + b'{"gold": "x", "predicted": "x", "clean": true}\n{"gold": "x", "predicted": "x"}\n',
        HEADER + b"3\n",
    ],
)
def test_answers_that_are_none(tmp_path: Path, lines: bytes) -> None:
    file = tmp_path / "books.jsonl.gz"
    file.write_bytes(gzip.compress(lines))
    with pytest.raises(RunError, match=r"books\.jsonl\.gz: missing or damaged; mtlkit evaluate"):
        read_predictions(file)


def test_answers_are_unpacked_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no further: a bomb in place of them takes no more memory than the limit."""
    file, answer = tmp_path / "books.jsonl.gz", b'{"gold": "x", "predicted": "x"}\n'
    file.write_bytes(gzip.compress(HEADER + answer * 100))
    assert list(read_predictions(file).predicted) == ["x"] * 100
    monkeypatch.setattr(predictions, "LARGEST_UNPACKED", 99 * len(answer))
    with pytest.raises(RunError, match="missing or damaged"):
        read_predictions(file)
    monkeypatch.undo()
    monkeypatch.setattr(predictions, "FREE_BYTES", 1000)
    file.write_bytes(gzip.compress(HEADER + answer * 100_000))
    assert file.stat().st_size * predictions.MAX_EXPANSION < len(answer) * 100_000 < predictions.LARGEST_UNPACKED
    with pytest.raises(RunError, match="missing or damaged"):
        read_predictions(file)
    monkeypatch.setattr(predictions, "LONGEST_LINE", len(HEADER))
    file.write_bytes(gzip.compress(HEADER + b" " * 10**6))
    with pytest.raises(RunError, match="missing or damaged"):
        read_predictions(file)


@pytest.mark.parametrize("ending", [b"\n", b"\r"])
def test_a_log_of_more_lines_than_a_run_has_epochs_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: bytes
) -> None:
    assert documents.MOST_LINES == 250_000
    monkeypatch.setattr(documents, "MOST_LINES", 2_500)
    file = tmp_path / "metrics.jsonl"
    file.write_bytes((b"{}" + ending) * documents.MOST_LINES)
    assert len(documents.read_lines(file)) == documents.MOST_LINES
    file.write_bytes((b"{}" + ending) * (documents.MOST_LINES + 1))
    with pytest.raises(RunError, match=r"metrics\.jsonl: missing or damaged \(it has more than 2,500 lines\)"):
        documents.read_lines(file)


@NO_PIPES
def test_answers_in_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "books.jsonl.gz")
    with pytest.raises(RunError, match="missing or damaged"):
        read_predictions(tmp_path / "books.jsonl.gz")


@pytest.mark.parametrize("value", ["", " ", "0", "1"])
def test_a_world_of_one_process_may_be_written_in_any_way(
    folder: Path,  # noqa: F811
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", value)
    assert run(*READERS["resume"](folder)).returncode == 0


@pytest.mark.parametrize("value", ["2", "two", "1.0", "-1", "\x1b[2J"])
def test_a_world_of_more_is_refused(
    folder: Path,  # noqa: F811
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", value)
    result = run(*READERS["resume"](folder))
    assert result.returncode == 2 and "unset the environment variable WORLD_SIZE" in result.stderr
    assert result.stderr.count("\n") == 1 and "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"HOME": "", "MTLKIT_CACHE": "", "XDG_CACHE_HOME": ""}, "the cache ~/.cache: there is no such home folder"),
        ({"MTLKIT_CACHE": "~nobody-of-this-name/x"}, "the cache ~nobody-of-this-name/x: there is no such home folder"),
    ],
)
def test_a_cache_without_a_home_is_named(monkeypatch: pytest.MonkeyPatch, names: dict[str, str], told: str) -> None:
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=told):
        cache_folder()
    monkeypatch.setenv("MTLKIT_CACHE", "/a/folder/of/yours")
    assert cache_folder() == Path("/a/folder/of/yours")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("word", ["--version", "--help", "components"])
def test_output_that_cannot_be_written_is_told_in_a_sentence(word: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "mtlkit", word], stdout=full, stderr=subprocess.PIPE, text=True)
    remedy = "make room there, or give a place that has some, and the command again"
    assert (done.returncode, done.stderr) == (2, f"output: No space left on device; {remedy}\n")


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, "b" * 235])
def test_the_longest_names_can_be_written(tmp_path: Path, name: str) -> None:
    other = name[:-1] + "c"
    with new_file(tmp_path / name) as first, new_file(tmp_path / other) as second:
        assert first != second
        first.write(b"first")
        second.write(b"second")
    assert (tmp_path / name).read_text() == "first" and (tmp_path / other).read_text() == "second"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_path_that_is_not_utf8_is_read_and_shown(folder: Path, run: Run) -> None:  # noqa: F811
    odd = folder / os.fsdecode(b"run-\xff")
    try:
        (folder / "run").rename(odd)
    except OSError as error:
        pytest.skip(f"this file system has no such names ({error.strerror})")
    assert run("compare", odd, folder / "other").returncode == 0
    assert run("diff", odd, folder / "other").returncode in (0, 1)
    assert run("report", odd).returncode == 0
    (odd / "metrics.json").write_text(json.dumps([]))
    result = run("compare", odd, folder / "other")
    assert result.returncode == 2 and "metrics.json: missing or damaged" in result.stderr


def test_a_run_is_not_begun_where_its_weights_cannot_be_written(folder: Path, run: Run) -> None:  # noqa: F811
    odd = folder / os.fsdecode(b"run-\xff")
    result = run("train", folder / "e.json", "-s", odd)
    assert result.returncode == 2 and "the path is not UTF-8" in result.stderr and "reading" not in result.stderr
    assert not odd.exists()


def test_an_archive_is_not_unpacked_where_its_weights_cannot_be_read(
    folder: Path,  # noqa: F811
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / os.fsdecode(b"\xff")))
    result = run("predict", folder / "run", "-", text="warm\n")
    assert result.returncode == 2 and "(the path is not UTF-8); set TMPDIR to another folder" in result.stderr


def test_an_experiment_whose_path_is_not_utf8_is_trained_to_its_end(folder: Path, run: Run) -> None:  # noqa: F811
    odd = folder / os.fsdecode(b"e-\xff.json")
    try:
        (folder / "e.json").rename(odd)
    except OSError as error:
        pytest.skip(f"this file system has no such names ({error.strerror})")
    result = run("train", odd, "-s", folder / "fresh")
    assert result.returncode == 0, result.stderr
    assert "\\udcff" in json.loads((folder / "fresh" / "meta.json").read_text())["command"][2]
