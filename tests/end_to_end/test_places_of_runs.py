"""Where a run may be, and what lies there: links, mount points and files of others. Nothing of others is lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.test_damaged_runs import complains, folder, kept  # noqa: F401  # fixtures

Run = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other links")


@pytest.fixture
def at(folder: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> Path:  # noqa: F811
    """The folder of the runs as the current one, and in it a file `mine` that is to stay as it is."""
    monkeypatch.chdir(folder)
    (folder / "mine").write_text("mine")
    return folder


def succeeds(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 0, result.stderr


def refused(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert result.returncode == 2, result.stderr
    *_, last = result.stderr.splitlines()
    assert "Traceback" not in result.stderr and all(part in last for part in parts), result.stderr


def epochs(directory: Path) -> int:
    return len((directory / "metrics.jsonl").read_text().splitlines())


PLANTED = [
    *("metrics.jsonl", "sharing.jsonl", "metrics.json", "meta.json", "archive.tar.gz", "experiment.json"),
    *("checkpoints/outcome.json", "checkpoints/best-model.safetensors", "predictions/test/books.jsonl.gz"),
]


@pytest.mark.parametrize("name", PLANTED)
def test_a_link_in_a_run_is_not_written_through(at: Path, run: Run, name: str) -> None:
    file = at / "run" / name
    content = file.read_bytes() if file.exists() else b""
    (at / "mine").write_bytes(content)
    file.unlink(missing_ok=True)
    file.symlink_to(at / "mine")
    result = run("train", "e.json", "-s", "run", "--resume")
    # Where links lead out of the run, reading them is refused first.
    refused(result, f"run/{name}: is a ", " link", "put what it leads to in its place")
    assert (at / "mine").read_bytes() == content and file.is_symlink()
    file.unlink()
    if content:
        file.write_bytes(content)
    succeeds(run("train", "e.json", "-s", "run", "--resume"))


@pytest.mark.parametrize("name", ["checkpoints", "predictions", "predictions/test", "sources", "stages", "tensorboard"])
def test_a_folder_in_a_run_that_is_a_link_is_not_written_to(at: Path, run: Run, name: str) -> None:
    place = at / "run" / name
    if place.exists():
        place.rename(at / "elsewhere")
    else:
        (at / "elsewhere").mkdir()
    before = sorted(at.glob("elsewhere/**/*"))
    place.symlink_to(at / "elsewhere")
    refused(run("train", "e.json", "-s", "run", "--resume"), f"run/{name}: is a ", " link", "put what it leads to in")
    refused(run("train", "e.json", "-s", "run", "--force"), f"--force would delete {name}, which mtlkit did not make")
    assert sorted(at.glob("elsewhere/**/*")) == before


@pytest.mark.parametrize("name", ["metrics.jsonl", "sharing.jsonl"])
def test_a_log_that_is_a_hard_link_grows_in_no_other_file(at: Path, run: Run, name: str) -> None:
    log = at / "run" / name
    log.touch()
    os.link(log, at / "other-name")
    content = log.read_bytes()
    refused(run("train", "e.json", "-s", "run", "--resume"), f"run/{name}: is a hard link", "as cp -r makes it")
    assert (at / "other-name").read_bytes() == content
    subprocess.run(["cp", "-r", "run", "copy"], check=True)
    succeeds(run("train", "e.json", "-s", "copy", "--resume"))


def test_what_others_have_in_a_run_outlives_a_resumed_run(at: Path, run: Run) -> None:
    subprocess.run(["git", "init", "-q", "run"], check=True)
    for place in ("run/.env", "run/notes.txt", "run/checkpoints/.keep", "run/.metrics.json-backup"):
        (at / place).write_text("mine")
    (at / "run" / ".metrics.json-1a2b3c4d").write_text("of a killed process")
    succeeds(run("train", "e.json", "-s", "run", "--resume"))
    assert (at / "run" / ".git" / "HEAD").exists()
    for place in ("run/.env", "run/notes.txt", "run/checkpoints/.keep", "run/.metrics.json-backup"):
        assert (at / place).read_text() == "mine"
    assert not (at / "run" / ".metrics.json-1a2b3c4d").exists()


@pytest.mark.parametrize("place", ["notes.csv", "test/notes.csv", "mine/notes.csv"])
def test_what_others_have_beside_predictions_outlives_them(at: Path, run: Run, place: str) -> None:
    """The folder is written again where a run ends, and predictions of before are not kept beside the new ones."""
    predictions = at / "run" / "predictions"
    before = {file: file.read_bytes() for file in predictions.rglob("*.jsonl.gz")}
    for name in ("metrics.json", "archive.tar.gz", "checkpoints/outcome.json"):
        (at / "run" / name).unlink()
    (predictions / place).parent.mkdir(exist_ok=True)
    (predictions / place).write_text("mine")
    shutil.copy(predictions / "test" / "books.jsonl.gz", predictions / "test" / "former.jsonl.gz")
    (predictions / "test" / "books.jsonl.gz").write_text("other answers")
    succeeds(run("train", "e.json", "-s", "run", "--resume"))
    assert (predictions / place).read_text() == "mine"
    assert {file: file.read_bytes() for file in predictions.rglob("*.jsonl.gz")} == before


@pytest.mark.parametrize(
    "place", [".git", "notes.txt", "data/train.tsv", "checkpoints/mine.txt", "vocabulary/mine.csv"]
)
def test_force_deletes_no_file_of_others(at: Path, run: Run, place: str) -> None:
    file = at / "run" / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine")
    before = (at / "run" / "meta.json").read_bytes()
    for more in ([], ["--dry-run"]):
        result = run("train", "e.json", "-s", "run", "--force", *more)
        stranger = place if "data" not in place else "data"
        refused(result, f"run: --force would delete {stranger}, which mtlkit did not make; move it elsewhere")
        assert file.read_text() == "mine" and (at / "run" / "meta.json").read_bytes() == before
    (at / "run" / stranger).rename(at / "moved")
    succeeds(run("train", "e.json", "-s", "run", "--force", "-o", "seed=3"))


def test_force_deletes_a_whole_run_with_its_report(at: Path, run: Run) -> None:
    (at / "run" / "report.html").write_text("drawn by mtlkit report")
    (at / "run" / "profile.json").write_text("{}")
    succeeds(run("train", "e.json", "-s", "run", "--force"))
    assert not (at / "run" / "report.html").exists()


def test_force_does_not_delete_what_the_run_is_made_from(at: Path, run: Run) -> None:
    pretrained = json.dumps([{"archive": "run/archive.tar.gz", "parameters": ["embedder"]}])
    refused(
        run("train", "e.json", "-s", "run", "--force", "-o", f"model.pretrained={pretrained}"),
        "run: --force would delete run/archive.tar.gz, which is read as model.pretrained; give a copy of it",
    )
    refused(
        run("train", "run/experiment.json", "-s", "run", "--force"),
        "run: --force would delete run/experiment.json, which is read as the experiment; give a copy of it",
    )
    shutil.copy(at / "run" / "experiment.json", at / "copy.json")
    succeeds(run("train", "copy.json", "-s", "run", "--force"))


def test_the_folder_of_the_data_is_no_run(at: Path, run: Run) -> None:
    before = sorted(path.name for path in at.iterdir())
    for option in ("--force", "--resume"):
        refused(run("train", "e.json", "-s", at, option), "is not a run")
    assert sorted(path.name for path in at.iterdir()) == before


def test_a_run_may_be_behind_links(at: Path, run: Run) -> None:
    (at / "disk").mkdir()
    (at / "runs").symlink_to("disk")
    succeeds(run("train", "e.json", "-s", "runs/a"))
    assert epochs(at / "disk" / "a") == 1
    (at / "link").symlink_to("disk/b")
    for options in ([], ["--resume"], ["--force"]):  # to nowhere at first
        succeeds(run("train", "e.json", "-s", "link/", *options))
        assert (at / "link").is_symlink() and epochs(at / "disk" / "b") == 1
    assert sorted(path.name for path in (at / "disk").iterdir()) == ["a", "b"]


def test_links_without_end_are_told(at: Path, run: Run) -> None:
    (at / "one").symlink_to("two")
    (at / "two").symlink_to("one")
    refused(run("train", "e.json", "-s", "one"), "one: is a symbolic link that leads to itself; give another")
    assert (at / "one").is_symlink() and (at / "two").is_symlink()


@pytest.mark.parametrize("place", [".", "..", "../.."])
def test_the_current_folder_is_not_replaced(at: Path, run: Run, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    empty = at / "a" / "b" / "c"
    empty.mkdir(parents=True)
    monkeypatch.chdir(empty)
    result = run("train", at / "e.json", "-s", place)
    if place == ".":
        refused(result, ".: is the current folder, or one above it, which a run cannot replace; give a folder in it")
    else:
        refused(result, f"{place}: exists and is not a run; give another directory with -s")
    assert list(empty.iterdir()) == []
    succeeds(run("train", at / "e.json", "-s", f"{place}/run"))


def test_a_run_in_the_current_folder_goes_on_and_is_not_replaced(
    at: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(at / "run")
    succeeds(run("train", at / "e.json", "-s", ".", "--resume"))
    refused(run("train", at / "e.json", "-s", ".", "--force"), ".: is the current folder")
    assert epochs(at / "run") == 1


def test_the_root_is_no_run(at: Path, run: Run) -> None:
    refused(run("train", "e.json", "-s", "/"), "/: is the root of all folders; give another directory with -s")
    assert not Path("/..lock").exists()


MOUNTS = {"tmpfs": "mount -t tmpfs none volume", "bind": "mkdir real && mount --bind real volume"}


@pytest.mark.parametrize("kind", MOUNTS)
def test_a_mount_point_is_not_replaced(at: Path, kind: str) -> None:
    """Such as a volume of a container; a folder in it takes a run."""
    (at / "volume").mkdir()
    train = f"{sys.executable} -P -m mtlkit train e.json -s volume"
    script = f"{MOUNTS[kind]} || exit 77; {train}; echo $?; {train}/run && ls -A volume"
    if shutil.which("unshare") is None:
        pytest.skip("this system has no unshare")
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert done.stdout.splitlines()[0] == "2" and done.returncode == 0, done.stderr
    assert "give a folder in it, such as -s volume/run" in done.stderr and "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1] == "run"


def test_an_innocent_lock_beside_a_run_is_not_emptied(at: Path, run: Run) -> None:
    (at / ".app.lock").write_text("12345")
    refused(run("train", "e.json", "-s", "app"), "app: cannot be made (.app.lock beside it is not a lock of mtlkit")
    assert (at / ".app.lock").read_text() == "12345" and not (at / "app").exists()
    succeeds(run("train", "e.json", "-s", "another"))


def test_files_of_a_run_are_readable_by_others_and_changeable_by_none(at: Path, run: Run) -> None:
    before = os.umask(0)
    try:
        succeeds(run("train", "e.json", "-s", "open/runs/trained"))
        succeeds(run("transfer", "e.json", "--leave-out", "books", "-s", "open/folds"))
    finally:
        os.umask(before)
    made = [at / "open", *at.glob("open/**/*")]
    modes = {path.relative_to(at).as_posix(): path.stat().st_mode & 0o777 for path in made}
    assert {mode for path, mode in modes.items() if (at / path).is_file()} == {0o644}
    assert all(mode & 0o022 == 0 for path, mode in modes.items()), modes


def test_a_transfer_writes_onto_none_of_its_inputs(at: Path, run: Run) -> None:
    (at / "folds").mkdir()
    (at / "books.train.tsv").rename(at / "folds" / "books.log")
    data = ["-o", f'tasks.books.train="{at}/folds/books.log"']
    before = (at / "folds" / "books.log").read_bytes()
    result = run("transfer", "e.json", "--leave-out", "all", "-s", "folds", *data)
    refused(result, "-s folds: books.log: is tasks.books.train", "which is read and would be lost; give another")
    assert (at / "folds" / "books.log").read_bytes() == before
    shutil.move(at / "run", at / "folds" / "books")
    result = run(
        *("transfer", "e.json", "--leave-out", "books", "-s", "folds", "--force", "--baseline", "folds/books", *data)
    )
    refused(result, "--baseline folds/books: is itself written by this transfer; give a run elsewhere")
    assert (at / "folds" / "books" / "metrics.json").exists()


def test_the_log_of_a_fold_follows_no_link(at: Path, run: Run) -> None:
    (at / "folds").mkdir()
    (at / "folds" / "books.log").symlink_to(at / "mine")
    result = run("transfer", "e.json", "--leave-out", "all", "-s", "folds")
    refused(result, "folds/books.log: the log cannot be written (is a symbolic link); move it elsewhere")
    assert (at / "mine").read_text() == "mine"


def test_the_study_of_a_sweep_follows_no_link(at: Path, run: Run) -> None:
    pytest.importorskip("optuna")
    arguments = ("sweep", "e.json", "--grid", "trainer.epochs=1", "-s", "points")
    (at / "full").mkdir()
    (at / "points").symlink_to("full")
    succeeds(run(*arguments))
    (at / "full" / "study.log").unlink()
    (at / "full" / "study.log").symlink_to(at / "nowhere")
    refused(run(*arguments), "points/study.log: is a symbolic link; move it elsewhere: the runs stay")
    assert not (at / "nowhere").exists()
    (at / "full" / "study.log").rename(at / "moved")
    succeeds(run(*arguments))
