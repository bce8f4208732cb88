"""What mtlkit deletes in the directory of a run is its own, and nothing else."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlkit.errors import RunError
from mtlkit.files import is_locked, new_file, new_folder
from mtlkit.runs import RunDirectory
from mtlkit.runs.made_files import is_made_by_a_run, links, remove_half_written, strangers

OURS = [
    *("meta.json", "metrics.json", "metrics.jsonl", "sharing.jsonl", "archive.tar.gz", "report.html"),
    *("experiment.jsonnet", "experiment.resolved.json", "sources/lib/tasks.libsonnet", "profile.json"),
    *("trace-search.json", "vocabulary/words.txt", "vocabulary/labels.books.txt", "vocabulary/vocabulary.json"),
    *("files/tasks.books.reader.tokenizer=pieces/pieces.txt", "predictions/test/books.jsonl.gz"),
    *("checkpoints/best-model.safetensors", "checkpoints/outcome.json", "checkpoints/step-00000012/state.pt"),
    *("checkpoints/step-00000012/files.json", "checkpoints/step-00000012/best-model.safetensors"),
    *("stages/search/paths.json", "stages/search/checkpoints/step-00000003/model.safetensors"),
    *("tensorboard/events.out.tfevents.1.host.2.0", "stages/tune/tensorboard/events.out.tfevents.1.host.2.0"),
]
THEIRS = [
    *("notes.txt", ".git/config", ".env", ".DS_Store", "data/train.tsv", "meta.json.orig", "checkpoints/mine.txt"),
    *("checkpoints/step-00000012-old/state.pt", "checkpoints/step-00000012/notes.txt", "vocabulary/list.csv"),
    *("predictions/answers.txt", "stages/search/data.tsv", "files/notes.txt", ".metrics.json-backup"),
    *(".metrics.json~", ".gitignore-abcdefgh", "checkpoints/.cache-abcdefgh", "checkpoints/best"),
]
HALF_WRITTEN = [
    "checkpoints/.tmpa1B2c3",
    *(".metrics.json-1a2b3c4d", ".meta.json-00000000", "checkpoints/.outcome.json-1a2b3c4d"),
    *(".predictions-a_b2c3d4/fresh/test/books.jsonl.gz", "checkpoints/.step-00000012-abcd_123/fresh/state.pt"),
    *("checkpoints/.best-model.safet-abcd_123/fresh.safetensors", "predictions/test/.books.jsonl.gz-1a2b3c4d"),
    *("files/.tasks.books.read-abcd_123/fresh/pieces.txt", "stages/a/checkpoints/.step-00000003-abcd_123/fresh/x"),
]
needs_locks = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")


def write(directory: Path, places: list[str]) -> None:
    for place in places:
        (directory / place).parent.mkdir(parents=True, exist_ok=True)
        (directory / place).write_text(place)


def places(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir())


def test_nothing_that_mtlkit_makes_is_a_stranger(tmp_path: Path) -> None:
    write(tmp_path, OURS + HALF_WRITTEN)
    assert list(strangers(tmp_path)) == []
    assert all(map(is_made_by_a_run, OURS))


@pytest.mark.parametrize("place", THEIRS)
def test_what_others_made_is_a_stranger(tmp_path: Path, place: str) -> None:
    write(tmp_path, [*OURS, place])
    (stranger,) = strangers(tmp_path)
    assert stranger == tmp_path / place or stranger in (tmp_path / place).parents


def test_a_link_or_folder_with_the_name_of_a_file_is_a_stranger(tmp_path: Path) -> None:
    write(tmp_path, ["checkpoints/outcome.json"])
    (tmp_path / "metrics.json").symlink_to(tmp_path / "checkpoints" / "outcome.json")
    (tmp_path / "meta.json").mkdir()
    (tmp_path / "predictions").symlink_to(tmp_path / "checkpoints")
    assert {path.name for path in strangers(tmp_path)} == {"metrics.json", "meta.json", "predictions"}
    assert {path.name for path in links(tmp_path)} == {"metrics.json", "predictions"}


def test_half_written_files_are_removed_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, OURS + THEIRS + HALF_WRITTEN)
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "file").write_text("mine")
    (tmp_path / "checkpoints" / ".step-00000009-abcd_123").symlink_to(canary)
    (tmp_path / ".meta.json-aaaaaaaa").symlink_to(canary / "file")
    before = places(tmp_path)
    remove_half_written(tmp_path)
    assert set(before) - set(places(tmp_path)) == set(HALF_WRITTEN)
    assert (canary / "file").read_text() == "mine"


@needs_locks
def test_what_a_living_process_is_writing_stays(tmp_path: Path) -> None:
    with new_file(tmp_path / "report.html") as file, new_folder(tmp_path / "predictions") as fresh:
        file.write(b"<html>")
        assert is_locked(Path(file.name)) and is_locked(fresh.parent)
        remove_half_written(tmp_path)
    assert places(tmp_path) == ["report.html"] and (tmp_path / "predictions").is_dir()


@needs_locks
def test_what_a_killed_process_left_beside_a_run_is_removed(tmp_path: Path) -> None:
    """And only that: a folder of that name with anything else in it stays."""
    run = RunDirectory(tmp_path / "run")
    write(tmp_path, [".run-abcd_123/fresh/meta.json", ".run-abcd_124/replaced/metrics.json"])
    kept = [".run-abcd_125/fresh/notes.txt", ".run-abcd_126/data.tsv", ".runs-abcd_127/fresh/meta.json", ".run-backup1"]
    write(tmp_path, kept)
    with run.locked():
        assert sorted(set(places(tmp_path)) - {".run.lock"}) == sorted(kept)
    with new_folder(tmp_path / "run"), run.locked():
        assert len(list(tmp_path.glob(".run-*"))) == 4, "that of a living process stays"


def test_a_lock_of_others_is_neither_emptied_nor_removed(tmp_path: Path) -> None:
    lock = tmp_path / ".app.lock"
    lock.write_text("12345\n")
    remedy = r"app: cannot be made \(.app.lock beside it is not a lock of mtlkit: it has other content\); give another"
    with pytest.raises(RunError, match=remedy), RunDirectory(tmp_path / "app").locked():
        pass
    assert lock.read_text() == "12345\n"
    with RunDirectory(tmp_path / "other").locked():
        assert (tmp_path / ".other.lock").exists()
    assert not (tmp_path / ".other.lock").exists()


def of_nothing(lock: Path) -> None:
    lock.touch()


def link(lock: Path) -> None:
    lock.symlink_to(lock.with_name("canary"))


def hard_link(lock: Path) -> None:
    os.link(lock.with_name("canary"), lock)


def link_to_nowhere(lock: Path) -> None:
    lock.symlink_to(lock.with_name("nowhere"))


def folder(lock: Path) -> None:
    lock.mkdir()


@pytest.mark.parametrize("plant", [link, hard_link, link_to_nowhere, folder])
def test_what_has_the_name_of_a_lock_is_left_alone(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    (tmp_path / "canary").write_text("mine")
    plant(tmp_path / ".run.lock")
    before = sorted(path.name for path in tmp_path.iterdir())
    told = r"run: cannot be made \(.run.lock beside it is"
    with pytest.raises(RunError, match=told), RunDirectory(tmp_path / "run").locked():
        pass
    assert (tmp_path / "canary").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_an_empty_file_serves_as_a_lock_and_stays(tmp_path: Path) -> None:
    """As earlier versions left it; but it may be of others just as well."""
    of_nothing(tmp_path / ".run.lock")
    with RunDirectory(tmp_path / "run").locked():
        assert RunDirectory(tmp_path / "run").in_use
    assert (tmp_path / ".run.lock").read_bytes() == b""


def test_a_lock_of_a_killed_process_is_taken_and_removed(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    with run.locked():
        content = (tmp_path / ".run.lock").read_bytes()
    (tmp_path / ".run.lock").write_bytes(content)
    with run.locked():
        pass
    assert list(tmp_path.iterdir()) == []
