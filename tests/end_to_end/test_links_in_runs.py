"""The directory of a stranger's run has links in it: none is followed to a file of the user's."""

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlkit.errors import ArchiveError
from mtlkit.runs import Run
from tests.end_to_end.test_damaged_runs import READERS, folder, kept  # noqa: F401  # fixtures

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
TOKEN = "hunter2"
SAYS = "is a link that leads out of the run, which may come from a stranger"
DOCUMENTS = ["meta.json", "metrics.json", "experiment.resolved.json", "metrics.jsonl", "sharing.jsonl"]
READ_BY = {
    "meta.json": [each for each in READERS if each != "evaluate"],  # for which the archive has all that it needs
    "metrics.json": [each for each in READERS if "resume" not in each and each != "evaluate"],
    "experiment.resolved.json": ["compare", "diff", "report", "report as a baseline", "transfer"],
    "metrics.jsonl": ["report"],
    "sharing.jsonl": ["report"],
}


def linked(place: Path, outside: Path) -> None:
    """Puts something out of a run and a link in its place, which has all that is expected there, and a secret."""
    outside.mkdir(exist_ok=True)
    target = outside / place.name
    if place.exists():
        shutil.move(place, target)
    else:
        target.write_text("{}\n")
    if place.name.endswith(".json"):
        target.write_text(json.dumps({**json.loads(target.read_text()), "password": TOKEN}))
    place.symlink_to(target)


def refuses(result: subprocess.CompletedProcess[str], place: Path) -> None:
    assert result.returncode == 2 and "Traceback" not in result.stderr, result.stderr
    assert f"{place}: {SAYS}" in result.stderr.splitlines()[-1] and TOKEN not in result.stdout + result.stderr


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_elsewhere_is_not_read(name: str, folder: Path, run: RunCommand, tmp_path: Path) -> None:  # noqa: F811
    place = folder / "run" / name
    linked(place, tmp_path / "outside")
    for reader in READ_BY[name]:
        refuses(run(*READERS[reader](folder)), place)
        assert not (folder / "run" / "report.html").exists()


@pytest.mark.parametrize("name", ["predictions", "predictions/test", "predictions/test/books.jsonl.gz"])
def test_answers_elsewhere_are_not_compared(name: str, folder: Path, run: RunCommand, tmp_path: Path) -> None:  # noqa: F811
    linked(folder / "run" / name, tmp_path / "outside")
    for reader in ("compare", "compare as a baseline", "report as a baseline"):
        refuses(run(*READERS[reader](folder)), folder / "run" / name)


@pytest.mark.parametrize(
    "name", [*DOCUMENTS, "vocabulary", "vocabulary/words.txt", "files", "archive.tar.gz", "stages"]
)
def test_a_run_with_a_link_is_not_resumed(name: str, folder: Path, run: RunCommand, tmp_path: Path) -> None:  # noqa: F811
    linked(folder / "run" / name, tmp_path / "outside")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "outside").rglob("*")}
    for reader in ("resume", "resume anyway"):
        refuses(run(*READERS[reader](folder)), folder / "run" / name)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "outside").rglob("*")}


def test_an_archive_of_ones_own_is_not_taken_for_that_of_a_stranger(
    folder: Path,  # noqa: F811
    run: RunCommand,
    tmp_path: Path,
) -> None:
    """It would be read with the data that it may read, into a report of the stranger's run."""
    linked(folder / "run" / "archive.tar.gz", tmp_path / "outside")
    for words in (
        *(READERS[reader](folder) for reader in ("evaluate", "report")),
        ("predict", folder / "run", "-"),
        ("explain", folder / "run", "--task", "books", "fine film"),
    ):
        refuses(run(*words), folder / "run" / "archive.tar.gz")
    for use in (Run.evaluate, lambda run: run.predict(["fine film"])):
        with pytest.raises(ArchiveError, match=SAYS):
            use(Run(folder / "run", "cpu"))
    result = run("evaluate", tmp_path / "outside" / "archive.tar.gz")
    assert result.returncode == 0, "what the link leads to may be named"


def test_the_remedy_works(folder: Path, run: RunCommand, tmp_path: Path) -> None:  # noqa: F811
    """What the links lead to is put in their place; links within the run and to it as a whole are followed."""
    for name in ("metrics.json", "predictions"):
        linked(folder / "run" / name, tmp_path / "outside")
        (folder / "run" / name).unlink()
        shutil.move(tmp_path / "outside" / name, folder / "run" / name)
    (folder / "run" / "metrics.json").rename(folder / "run" / "kept.json")
    (folder / "run" / "metrics.json").symlink_to("kept.json")
    (folder / "by another name").symlink_to("run", target_is_directory=True)
    for words in (
        ("compare", folder / "by another name", folder / "other"),
        ("report", folder / "by another name"),
        ("evaluate", folder / "by another name"),
    ):
        result = run(*words)
        assert result.returncode == 0, result.stderr


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_link_to_a_device_holds_nobody_up(folder: Path, run: RunCommand) -> None:  # noqa: F811
    place = folder / "run" / "predictions" / "test" / "books.jsonl.gz"
    assert gzip.decompress(place.read_bytes())
    place.unlink()
    os.symlink("/dev/zero", place)
    refuses(run(*READERS["compare"](folder)), place)
