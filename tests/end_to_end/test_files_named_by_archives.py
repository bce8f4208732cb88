"""A stranger's archive names files of this machine: none of them is opened, and a sentence asks for the data."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mtlkit.errors import DataError
from mtlkit.runs import evaluate
from tests.end_to_end import files_opened
from tests.soak.tiny_archive import changed, packed, tar

ROOT = Path(__file__).parents[2]
RESOLVED = "experiment.resolved.json"
TOKEN = "hunter2"
"""A word of the private file, which nobody may see."""
SPLITS = ("train", "dev", "test")
POOLED = {"dev": 2, "test": 2}
Outcome = tuple[int, str, str, list[str]]


def forged(path: Path, source: str | None, **more: Any) -> Path:
    """An archive whose task `books` names a source of data for each split."""
    books = {**dict.fromkeys(SPLITS, source), **more}
    members = changed(RESOLVED, lambda experiment: experiment["tasks"]["books"].update(books))
    path.write_bytes(packed(tar(members)))
    return path


def outcomes(folder: Path, *commands: Sequence[str | Path]) -> list[Outcome]:
    """What comes of command lines of `mtlkit`, and the files opened in a folder, or anywhere by a name that has its."""
    words = json.dumps([[str(word) for word in command] for command in commands])
    command = [sys.executable, "-P", files_opened.__file__, folder.name, words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return [tuple(each) for each in json.loads(done.stdout)]


@pytest.fixture
def private(elsewhere: Path, tmp_path: Path) -> Path:
    """A folder with a private file, a link to it, and what hangs those who read it."""
    folder = tmp_path / "private-of-the-user"
    folder.mkdir()
    (folder / "file").write_text(f"positive\tfine {TOKEN}\nnegative\tdull film {TOKEN}\n" * 3)
    (folder / "link").symlink_to(folder / "file")
    (folder / "folder").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")
    (folder / "device").symlink_to("/dev/zero")
    return folder


def sources(private: Path) -> dict[str, str]:
    names = [name for name in ("file", "link", "folder", "pipe", "device") if os.path.lexists(private / name)]
    found = {name: str(private / name) for name in names}
    found["relative"] = f"{private.name}/file"
    found["parent"] = f"x/../{private.name}/file"
    found["missing"] = str(private / "nothing")
    return found


def test_verbs_open_the_files_that_the_user_names_and_none_that_only_an_archive_names(
    private: Path, tmp_path: Path
) -> None:
    commands: list[Sequence[str | Path]] = []
    for name, source in sources(private).items():
        archive = forged(tmp_path / f"{name}.tar.gz", source)
        commands += [("evaluate", archive, "--task", "books")]
    archive = tmp_path / "file.tar.gz"
    commands += [(verb, archive, "--split", "train") for verb in ("evaluate", "report")]
    pooled = forged(tmp_path / "pooled.tar.gz", str(private / "file"), resplit=POOLED)
    commands += [("evaluate", pooled), ("evaluate", archive, pooled)]
    (tmp_path / "vader.tar.gz").write_bytes(forged_vader(private))
    commands += [("evaluate", tmp_path / "vader.tar.gz")]
    commands += [("explain", archive, "--task", "books", "fine film"), ("diff", archive, pooled)]
    found = outcomes(private, *commands, *named_by_user(private, archive))
    for command, (code, output, messages, opened) in zip(commands, found, strict=False):
        assert opened == [], command
        assert TOKEN not in output + messages and "Traceback" not in messages, command
        if command[0] == "evaluate":
            (sentence,) = messages.splitlines()
            assert code == 2 and "is not read, since the cache does not know the archive" in sentence, sentence
        elif command[0] == "report":
            page = Path(f"{str(command[1]).removesuffix('.tar.gz')}.report.html").read_text()
            assert code == 0 and TOKEN not in page and "are not read, since the cache does not know the archive" in page

    for code, _, messages, opened in found[len(commands) :]:
        assert code == 0 and opened, f"the canary is alive: {messages}"


def named_by_user(private: Path, archive: Path) -> list[Sequence[str | Path]]:
    """Command lines that have the private file read."""
    given = ["--task", "books", "--split", "test"]
    return [
        ("evaluate", archive, *given, "--data", f"books={private / 'file'}"),
        ("evaluate", archive, *given, "--file", private / "link"),
        ("evaluate", archive, *given, "--data", private),
        ("report", archive, *given, "--data", private, "--output", archive.with_name("named.html")),
    ]


def forged_vader(private: Path) -> bytes:
    """The archive of a task whose reader knows names of its own, and takes everything else for a path."""
    books = {"reader": {"type": "vader", "domain": "movie"}, **dict.fromkeys(SPLITS, str(private / "file"))}
    return packed(tar(changed(RESOLVED, lambda experiment: experiment["tasks"]["books"].update(books))))


def evaluated(archive: Path, **given: Any) -> dict[str, float]:
    return evaluate(archive, "test", tasks=["books"], device="cpu", **given).figures


def test_the_remedy_is_true(private: Path, tmp_path: Path) -> None:
    """Each option that the sentence names gives the figures, for a file by its name and for files that are pooled."""
    file = private / "file"
    (private / "other").write_text("positive\tfine film\nnegative\tdull\n" * 9)
    for more, data in (({}, file), ({}, private), ({"train": str(private / "other"), "resplit": POOLED}, private)):
        archive = forged(tmp_path / "file.tar.gz", str(file), **more)
        with pytest.raises(DataError) as refused:
            evaluated(archive)
        *_, remedy = str(refused.value).split("; ")
        named = "--data FOLDER" if more else "--data books=FILE or --data FOLDER"
        assert remedy == f"say where the data are with {named}"
        assert evaluated(archive, data=data if data is private else {"books": data})


def test_a_folder_is_not_left_by_the_path_in_an_archive(private: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "data").mkdir(parents=True)
    for source in (f"../{private.name}/file", f"data/../../{private.name}/file", str(private / "file"), "..", ""):
        with pytest.raises(DataError, match=r"tasks\.books\.test: no .* in .*given; say where it is with --data TASK="):
            evaluated(forged(tmp_path / "a.tar.gz", source), data=given)
    (given / "data" / "file").write_text("positive\tfine film\nnegative\tdull film\n")
    for source in ("../data/file", "/somewhere/else/data/file", "file/../data/file"):
        assert evaluated(forged(tmp_path / "a.tar.gz", source), data=given)


def test_a_link_out_of_a_folder_is_followed_only_where_the_user_names_what_it_leads_to(
    private: Path, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "link").symlink_to(private / "file")
    (given / "folder").symlink_to(private, target_is_directory=True)
    (given / "own").write_text("positive\tfine film\nnegative\tdull film\n")
    (given / "inside").symlink_to("own")
    for source in ("link", "folder/file"):
        archive = forged(tmp_path / "a.tar.gz", source)
        with pytest.raises(DataError, match=r"is a link that leads out of .*given; if .* --data TASK=FILE") as told:
            evaluated(archive, data=given)
        assert TOKEN not in str(told.value)
        assert evaluated(archive, data={"books": private / "file"})
    assert evaluated(forged(tmp_path / "a.tar.gz", "inside"), data=given)
    (tmp_path / "link to given").symlink_to(given, target_is_directory=True)
    assert evaluated(forged(tmp_path / "a.tar.gz", "own"), data=tmp_path / "link to given")


@pytest.mark.parametrize("source", ["a\0b", "x" * 5000, "\ud7ff", "~/secret", "a\nb\x1b[2J"])
def test_a_path_that_is_none_is_refused_in_one_line(source: str, elsewhere: Path, tmp_path: Path) -> None:
    archive = forged(tmp_path / "a.tar.gz", source)
    with pytest.raises(DataError) as refused:
        evaluated(archive)
    assert str(refused.value).isprintable()
    with pytest.raises(DataError, match="no "):
        evaluated(archive, data=elsewhere)


def test_the_sentence_on_a_command_line(private: Path, tmp_path: Path, run: Callable[..., Any]) -> None:
    archive = forged(tmp_path / "a.tar.gz", "books.tsv")
    result = run("evaluate", archive, "--task", "books")
    assert result.returncode == 2 and result.stderr == (
        f"{archive}: tasks.books.test: books.tsv is not read, since the cache does not know the archive as one that "
        "was made here; say where the data are with --data books=FILE or --data FOLDER\n"
    )
