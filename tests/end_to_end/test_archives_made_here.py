"""A run that the user has made here is scored without a word about its data, and nothing else passes for one."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mtlkit.archive.made_here import FOLDER
from mtlkit.errors import ArchiveError, DataError
from mtlkit.files.ownership import own_folder
from mtlkit.report.writing import write_report
from mtlkit.runs import Run, Wanted, evaluate, train
from tests.soak.tiny_archive import packed, read_members, sealed, tar

RESOLVED = "experiment.resolved.json"
ASKS = "is not read, since the cache does not know the archive as one that was made here; say where the data are with "
ANOTHER = "is another file, in another place, than the archive was trained on; if it is to be read, say so with --data"
LSTM = {"type": "lstm", "hidden_dim": 4}


def experiment() -> dict[str, Any]:
    """A task whose files are named by relative paths."""
    task = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}}
    return {
        "tasks": {"books": {**task, **{split: f"data/{split}.tsv" for split in ("train", "dev", "test")}}},
        "model": {"embedder": {"type": "words", "dim": 4}, "sharing": {"type": "private", "encoder": LSTM}},
        "trainer": {"epochs": 1, "batch_size": 12},
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, make_corpus: Callable[..., None], compiled_kernels: Path) -> Path:
    """A folder with data, an experiment, its run, and the cache that knows it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "data").mkdir()
    for number, split in enumerate(("train", "dev", "test")):
        make_corpus(folder / "data" / f"{split}.tsv", 12, number)
    (folder / "e.json").write_text(json.dumps(experiment()))
    own_folder(folder / "cache")
    (folder / "cache" / "kernels").symlink_to(compiled_kernels, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MTLKIT_CACHE", str(folder / "cache"))
        train("e.json", "run", device="cpu")
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: the very files, so that they are where the run found them. No test changes them."""
    monkeypatch.chdir(made)
    monkeypatch.setenv("MTLKIT_CACHE", str(made / "cache"))
    return made


@pytest.fixture
def project(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a copy of all but the cache, which is used where it is."""
    ignored = shutil.ignore_patterns("cache")
    monkeypatch.chdir(copied := shutil.copytree(here, tmp_path / "project", ignore=ignored))
    return copied


@pytest.fixture
def empty_cache(tmp_path: Path, compiled_kernels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, as after it was deleted, or on another machine."""
    own_folder(tmp_path / "cache")
    (tmp_path / "cache" / "kernels").symlink_to(compiled_kernels, target_is_directory=True)
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def scores(archive: str | Path, **given: Any) -> dict[str, float]:
    return evaluate(archive, device="cpu", **given).figures


def test_a_run_of_ones_own_needs_no_option(here: Path, tmp_path: Path) -> None:
    """Nor does its archive, wherever it goes and whatever it is called."""
    expected = Run("run").metrics["test"]
    assert scores("run") == Run("run", "cpu").evaluate().figures == expected
    shutil.copy("run/archive.tar.gz", tmp_path / "elsewhere.tar.gz")
    shutil.copytree("run", tmp_path / "moved")
    assert scores(tmp_path / "elsewhere.tar.gz") == scores(tmp_path / "moved") == expected


def test_the_same_data_in_another_place_are_read(project: Path) -> None:
    assert scores("run") == Run("run").metrics["test"]


def test_another_file_of_the_same_name_in_another_place_is_not_read(project: Path, tmp_path: Path) -> None:
    """A stranger can send somebody's own archive back to them, with a link that has the name of their data."""
    secret = tmp_path / "secret"
    secret.write_text("positive\thunter2\nnegative\tdull film\n")
    (project / "data" / "test.tsv").unlink()
    (project / "data" / "test.tsv").symlink_to(secret)
    with pytest.raises(DataError, match=ANOTHER) as refused:
        scores("run")
    assert "hunter2" not in str(refused.value)
    assert scores("run", data={"books": "data/test.tsv"})


def test_data_that_have_changed_where_they_were_are_read_with_a_note(project: Path) -> None:
    train("e.json", "again", device="cpu")
    with (project / "data" / "test.tsv").open("a") as file:
        file.write("positive\tfine film\n")
    (note,) = evaluate("again", device="cpu").notes
    assert "changed since the run was trained (13 texts against 12)" in note


def test_without_its_cache_the_data_are_asked_for(here: Path, empty_cache: Path) -> None:
    expected = Run("run").metrics["test"]
    with pytest.raises(DataError, match=f"tasks.books.test: data/test.tsv {ASKS}--data books=FILE or --data FOLDER"):
        scores("run")
    assert scores("run", data="data") == scores("run", data={"books": "data/test.tsv"}) == expected


def test_an_archive_of_an_older_mtlkit_is_known_once_its_run_has_been_resumed(project: Path, empty_cache: Path) -> None:
    """The data are then those of the experiment that the user names."""
    before = Path("run/archive.tar.gz").read_bytes()
    with pytest.raises(DataError, match=ASKS):
        scores("run")
    train("e.json", "run", device="cpu", resume=True)
    assert Path("run/archive.tar.gz").read_bytes() == before and scores("run")


@pytest.mark.parametrize("member", [RESOLVED, "meta.json", "manifest.json"])
def test_an_archive_made_from_ones_own_is_not_ones_own(member: str, project: Path) -> None:
    """Whatever a stranger takes over from it."""
    members = read_members(Path("run/archive.tar.gz"))
    members[member] += b" "
    Path("forged.tar.gz").write_bytes(packed(tar(members if member == "manifest.json" else sealed(members))))
    with pytest.raises(DataError, match=ASKS):
        scores("forged.tar.gz")


def test_the_same_members_packed_otherwise_are_the_same_archive(here: Path, tmp_path: Path) -> None:
    (tmp_path / "again.tar.gz").write_bytes(packed(tar(read_members(Path("run/archive.tar.gz")))))
    assert scores(tmp_path / "again.tar.gz") == Run("run").metrics["test"]


def test_a_record_names_files_only_and_is_closed_to_others(project: Path, empty_cache: Path) -> None:
    train("e.json", "new", device="cpu")
    folder = empty_cache / FOLDER
    (record,) = folder.iterdir()
    files = {os.path.realpath(f"data/{split}.tsv") for split in ("train", "dev", "test")}
    assert set(json.loads(record.read_text())["data"]) == files
    assert folder.stat().st_mode & 0o777 == 0o700 and record.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("place", ["cache", "folder", "record"])
def test_what_others_could_have_written_is_no_record(place: str, project: Path, empty_cache: Path) -> None:
    train("e.json", "new", device="cpu")
    (record,) = (empty_cache / FOLDER).iterdir()
    assert scores("new")
    {"cache": empty_cache, "folder": record.parent, "record": record}[place].chmod(0o777)
    says = r"whether it was made here cannot be told: .*other users can .*set MTLKIT_CACHE to a folder of your own"
    with pytest.raises(ArchiveError, match=says):
        scores("new")
    with pytest.raises(ArchiveError, match=says):
        write_report(Path("new"), Wanted(), device=torch.device("cpu"))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"data": []}', b'{"data": {"x": 1}}', b"\xff", b"[" * 9999])
def test_a_damaged_record_is_none(content: bytes, project: Path, empty_cache: Path) -> None:
    train("e.json", "new", device="cpu")
    (record,) = (empty_cache / FOLDER).iterdir()
    record.write_bytes(content)
    with pytest.raises(DataError, match=f"{ASKS}|{ANOTHER}"):
        scores("new")
    assert scores("new", data="data")


def test_a_run_is_finished_where_the_cache_cannot_keep_that_it_was_made_here(project: Path, empty_cache: Path) -> None:
    (empty_cache / FOLDER).write_text("in the way")
    said: list[str] = []
    run = train("e.json", "new", device="cpu", say=said.append)
    told = [line for line in said if "cannot keep that it was made here" in line]
    assert len(told) == 1 and told[0].endswith("; give evaluate and report --data") and run.metrics["test"]
    with pytest.raises(DataError):
        scores("new")
    assert scores("new", data="data") == run.metrics["test"]


def test_the_runs_of_children_are_ones_own(project: Path, tmp_path: Path, run: Callable[..., Any]) -> None:
    """Those of a sweep, and the folds of a transfer, which are processes of their own."""
    two = experiment()
    two["tasks"]["films"] = two["tasks"]["books"]
    two["model"]["sharing"] = {"type": "fully_shared", "encoder": LSTM}
    (tmp_path / "elsewhere" / "two.json").write_text(json.dumps(two))
    shutil.copytree(project / "data", "data")
    assert run("transfer", "two.json", "--leave-out", "all", "-s", "folds").returncode == 0
    assert run("sweep", "two.json", "--seeds", "1", "-s", "points").returncode == 0
    (point,) = Path("points").glob("*/archive.tar.gz")
    for archive in ("folds/books", "folds/films", point):
        result = run("evaluate", archive)
        assert result.returncode == 0, result.stderr
