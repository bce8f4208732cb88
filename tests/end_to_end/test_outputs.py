"""What verbs are asked to write: onto no input, through no link, whole, and before anything is shown."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from mtlkit import export, predict_file
from mtlkit.cli.app import app
from mtlkit.errors import ConfigError
from mtlkit.files import output_file
from mtlkit.runs import evaluate
from tests.end_to_end.test_damaged_runs import folder, kept  # noqa: F401  # fixtures

Run = Callable[..., subprocess.CompletedProcess[str]]
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.fixture
def at(folder: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> Path:  # noqa: F811
    """The folder of two runs as the current one, and in it a text to predict for."""
    monkeypatch.chdir(folder)
    (folder / "mine.txt").write_text("a warm film\n")
    for name in ("books", "films"):  # the experiment names them where they were made
        (folder / "data" / "test").mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / f"{name}.test.tsv", folder / "data" / "test" / f"{name}.jsonl.gz")
    return folder


def refused(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert result.returncode == 2, result.stderr + result.stdout
    *_, last = result.stderr.splitlines()
    assert "Traceback" not in result.stderr and all(part in last for part in parts), result.stderr


def contents(folder: Path) -> dict[str, bytes]:  # noqa: F811
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "cache" not in path.parts
    }


ONTO_INPUTS = {
    "predict onto its input": ("predict run mine.txt --task books", "mine.txt", "INPUT mine.txt"),
    "predict onto its archive": ("predict run mine.txt", "run/archive.tar.gz", "ARCHIVE run (run/archive.tar.gz)"),
    "predict by another way": ("predict run mine.txt", "run/../mine.txt", "INPUT mine.txt"),
    "predict onto a plugin": ("predict run mine.txt --include-package p.py", "p.py", "--include-package p.py"),
    "evaluate onto an archive": ("evaluate run", "run/archive.tar.gz", "ARCHIVE run (run/archive.tar.gz)"),
    "evaluate onto a copy": ("evaluate a.tar.gz", "a.tar.gz", "ARCHIVE a.tar.gz"),
    "evaluate onto one of two": ("evaluate run other --anyway", "other/archive.tar.gz", "ARCHIVE other"),
    "evaluate onto a file of data": (
        "evaluate run --task books --file books.dev.tsv",
        "books.dev.tsv",
        "--file books.dev.tsv",
    ),
    "evaluate onto data by task": (
        "evaluate run --data books=books.dev.tsv",
        "books.dev.tsv",
        "--data books=books.dev.tsv",
    ),
    "explain onto its archive": ("explain run warm --task books", "run/archive.tar.gz", "ARCHIVE run"),
    "compare onto figures": ("compare run f.json", "f.json", "RUN f.json"),
    "report onto its archive": ("report a.html", "a.html", "RUN_OR_ARCHIVE a.html"),
}


@pytest.mark.parametrize(("command", "output", "name"), ONTO_INPUTS.values(), ids=ONTO_INPUTS)
def test_no_verb_writes_onto_what_it_reads(at: Path, run: Run, command: str, output: str, name: str) -> None:
    (at / "p.py").write_text("")
    (at / "f.json").write_text("{}")
    for copy in ("a.tar.gz", "a.html"):
        shutil.copy(at / "run" / "archive.tar.gz", at / copy)
    before = contents(at)
    result = run(*command.split(), "--output", output)
    refused(result, f"--output {output}: is {name}", "which is read and would be lost; give another file")
    assert contents(at) == before
    ending = ".html" if command.startswith("report") else ".json"
    if "f.json" not in command and "a.html" not in command and "explain" not in command:
        assert run(*command.split(), "--output", f"another{ending}").returncode == 0, "the remedy"


VERBS = {
    "predict": "predict run mine.txt",
    "evaluate": "evaluate run",
    "evaluate two": "evaluate run other --anyway",
    "explain": "explain run warm --task books",
    "explain, JSON": "explain run warm --task books --format json",
    "export": "export run --task books",
    "report": "report run",
    **{f"compare, {form}": f"compare run other --format {form}" for form in ("terminal", "markdown", "csv", "json")},
    "compare one": "compare run",
    "compare, latex": "compare run --format latex",
}
"""Commands of every verb with an output, and of every form of it."""


def test_every_verb_with_an_output_is_tried() -> None:
    parsers: Any = typer.main.get_command(app)
    verbs = {
        name
        for name, command in parsers.commands.items()
        if any("--output" in parameter.opts for parameter in command.params)
    }
    assert verbs == {command.split()[0] for command in VERBS.values()}


@pytest.mark.parametrize("command", VERBS.values(), ids=VERBS)
def test_an_output_takes_the_place_of_an_older_one_and_of_no_other_file(at: Path, run: Run, command: str) -> None:
    words, verb = command.split(), command.split()[0]
    mine: dict[str, bytes] = {
        "text": b"hours of work\n",
        "JSON": b'{"books": 3, "notes": []}\n',
        "JSON lines": b'{"text": "a warm film", "label": "positive"}\n',
        "table": b"system,seeds\na,1\n",
        "page": b"<!doctype html>\n<p>hours of work</p>\n",
        "archive": (at / "run" / "archive.tar.gz").read_bytes(),
        "binary": bytes(range(256)),
    }
    with zipfile.ZipFile(at / "mine.zip", "w") as members:
        members.writestr("model/data.pkl", b"mine")
    mine["zip"] = (at / "mine.zip").read_bytes()
    for content in mine.values():
        (at / "out.html").write_bytes(content)
        result = run(*words, "--output", "out.html")
        refused(
            result,
            "--output out.html: is there already and is no older output of this command; give another file",
        )
        assert "scoring" not in result.stderr and (at / "out.html").read_bytes() == content
    if verb == "explain":  # whose sharing scheme has nothing to explain; test_explain.py writes twice
        return
    (at / "out.html").write_bytes(b"")
    written = []
    for _ in range(2):  # over the empty file, and over that output
        result = run(*words, "--output", "out.html")
        assert result.returncode == 0, result.stderr
        written.append((at / "out.html").read_bytes())
    assert written[0] and (written[0] == written[1] or verb in ("report", "export"))  # which hold dates
    for other in ("predict run mine.txt", "evaluate run", "export run --task books"):
        if other.split()[0] != verb:
            refused(run(*other.split(), "--output", "out.html"), "no older output of this command")


def test_answers_take_the_place_of_older_ones_and_of_no_other_file(at: Path, run: Run) -> None:
    assert run("evaluate", "run", "--predictions", "answers").returncode == 0
    assert run("evaluate", "run", "--predictions", "answers").returncode == 0, "older answers"
    mine = at / "answers" / "test" / "films.jsonl.gz"
    for content in (gzip.compress(b'{"text": "a warm film"}\n'), b"hours of work"):
        mine.write_bytes(content)
        result = run("evaluate", "run", "--predictions", "answers")
        refused(result, "--predictions answers: test/films.jsonl.gz: is there already and is no older output")
        assert mine.read_bytes() == content and "scoring" not in result.stderr
    mine.unlink()
    assert run("evaluate", "run", "--predictions", "answers").returncode == 0, "the remedy"


def test_a_program_takes_the_place_of_no_other_file_from_python(at: Path) -> None:
    (at / "thesis.docx").write_bytes(b"PK, hours of work")
    for write in (partial(export, "run", task="books"), partial(predict_file, "run", "mine.txt")):
        with pytest.raises(ConfigError, match=r"^output thesis.docx: is there already and is no older output"):
            write(output="thesis.docx")
    assert (at / "thesis.docx").read_bytes() == b"PK, hours of work"


def test_figures_take_the_place_of_no_data(at: Path, run: Run) -> None:
    before = contents(at)
    refused(run("evaluate", "run", "--data", ".", "--output", "films.test.tsv"), "is no older output of this command")
    assert contents(at) == before


def test_standard_input_is_an_input(at: Path) -> None:
    command = [sys.executable, "-P", "-m", "mtlkit", "predict", "run", "-", "--output", "mine.txt"]
    with open("mine.txt") as given:
        done = subprocess.run(command, stdin=given, capture_output=True, text=True)
    refused(done, "--output mine.txt: is standard input")  # type: ignore[arg-type]
    assert (at / "mine.txt").read_text() == "a warm film\n"


def test_a_second_name_of_an_input_is_that_input(at: Path, run: Run) -> None:
    os.link("mine.txt", "other.txt")
    refused(run("predict", "run", "mine.txt", "--output", "other.txt"), "is INPUT mine.txt")
    assert (at / "other.txt").read_text() == "a warm film\n"


@pytest.mark.parametrize("name", ["metrics.json", "meta.json", "checkpoints/outcome.json", "metrics.jsonl"])
def test_no_verb_writes_onto_a_file_of_a_run(at: Path, run: Run, name: str) -> None:
    for command in ("compare run other", "evaluate run", "predict run mine.txt"):
        for directory in ("run", "other"):
            before = (at / directory / name).read_bytes()
            refused(
                run(*command.split(), "--output", f"{directory}/{name}"),
                f"--output {directory}/{name}: belongs to the run in {at / directory}; give another path",
            )
            assert (at / directory / name).read_bytes() == before
    assert run("compare", "run", "other", "--output", "run/table.txt").returncode == 0, "which is no file of a run"


def test_answers_take_the_place_of_no_data(at: Path, run: Run) -> None:
    """A folder of data may look as one of answers."""
    before = contents(at / "data")
    command = ("evaluate", "run", "--data", "books=data/test/books.jsonl.gz", "--task", "books")
    told = "--predictions data: test/books.jsonl.gz: is data of books (data/test/books.jsonl.gz), which is read"
    refused(run(*command, "--predictions", "data"), told)
    with pytest.raises(ConfigError, match="is data of books"):
        evaluate("run", data={"books": "data/test/books.jsonl.gz"}, tasks=["books"], predictions="data", device="cpu")
    assert contents(at / "data") == before
    assert run(*command, "--predictions", "answers").returncode == 0, "the remedy"


def test_answers_take_the_place_of_no_archive(at: Path, run: Run) -> None:
    archive = at / "answers" / "test" / "books.jsonl.gz"
    archive.parent.mkdir(parents=True)
    shutil.copy(at / "run" / "archive.tar.gz", archive)
    before = archive.read_bytes()
    told = "--predictions answers: test/books.jsonl.gz: is ARCHIVE answers/test/books.jsonl.gz, which is read"
    refused(run("evaluate", "answers/test/books.jsonl.gz", "--data", ".", "--predictions", "answers"), told)
    assert archive.read_bytes() == before


def test_answers_go_through_no_link_and_that_is_known_before_the_work(at: Path, run: Run) -> None:
    for name in ("answers", "elsewhere"):
        (at / name).mkdir()
    (at / "answers" / "test").symlink_to(at / "elsewhere")
    told = "--predictions answers: answers/test is a symbolic link, which is not followed; give another folder"
    result = run("evaluate", "run", "--predictions", "answers")
    refused(result, told)
    assert "scoring" not in result.stderr and not [*(at / "elsewhere").iterdir()]


def test_answers_of_another_run_stay(at: Path, run: Run) -> None:
    before = contents(at / "other")
    refused(
        run("evaluate", "run", "--predictions", "other/predictions"),
        f"--predictions other/predictions: belongs to the run in {at / 'other'}; give another path",
    )
    assert contents(at / "other") == before
    assert run("evaluate", "run", "--predictions", "run/predictions").returncode == 0, "its own are written again"


@pytest.mark.parametrize("command", ["evaluate run", "predict run mine.txt", "compare run other", "report run"])
def test_an_output_that_is_a_link_is_not_followed(at: Path, run: Run, command: str) -> None:
    (at / "secret").write_text("mine")
    (at / "out.html").symlink_to("secret")
    result = run(*command.split(), "--output", "out.html")
    refused(result, "--output out.html: is a symbolic link, which is not followed; name the file it leads to")
    assert (at / "secret").read_text() == "mine" and (at / "out.html").is_symlink()


def test_a_report_of_a_run_follows_no_link_that_lies_there(at: Path, run: Run) -> None:
    (at / "run" / "report.html").symlink_to(at / "nowhere.html")
    refused(run("report", "run"), "report.html: is a symbolic link")
    assert not (at / "nowhere.html").exists()


@pytest.mark.parametrize(
    ("command", "option"), [("evaluate run", "--predictions"), ("report run --output r.html", "--figures")]
)
def test_a_folder_that_is_a_link_is_not_written_to(at: Path, run: Run, command: str, option: str) -> None:
    (at / "full").mkdir()
    (at / "link").symlink_to("full")
    refused(run(*command.split(), option, "link"), f"{option} link: is a symbolic link")
    assert list((at / "full").iterdir()) == []
    assert run(*command.split(), option, "full").returncode == 0, "the remedy"


def test_a_link_in_the_folder_of_answers_is_not_followed(at: Path, run: Run) -> None:
    for plant in ("answers", "answers/test"):
        shutil.rmtree(at / "answers", ignore_errors=True)
        (at / "full").mkdir(exist_ok=True)
        if plant == "answers/test":
            (at / "answers").mkdir()
        (at / plant).symlink_to(at / "full")
        assert run("evaluate", "run", "--predictions", "answers").returncode == 2
        assert list((at / "full").iterdir()) == []
        (at / plant).unlink()


@needs_pipes
@pytest.mark.parametrize("command", ["evaluate run", "predict run mine.txt", "compare run other"])
def test_a_named_pipe_is_written_to_and_stays(at: Path, run: Run, command: str) -> None:
    os.mkfifo("pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append((at / "pipe").read_bytes()), daemon=True)
    reader.start()
    assert run(*command.split(), "--output", "pipe").returncode == 0
    reader.join()
    assert received and received[0].strip() and (at / "pipe").is_fifo()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="this system has no /dev/fd")
@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_an_open_file_is_written_on(at: Path, run: Run, verb: str) -> None:
    """As `>(...)` of a shell gives one, and /dev/stdout; it is neither emptied nor written to from its beginning."""
    arguments = ["predict", "run", "mine.txt"] if verb == "predict" else ["evaluate", "run"]
    with open("kept", "w+") as kept_file:
        kept_file.write("first\n")
        kept_file.flush()
        assert run(*arguments, "--output", f"/dev/fd/{kept_file.fileno()}").returncode == 0
        kept_file.write("last\n")
    text = (at / "kept").read_text()
    assert text.startswith("first\n") and text.endswith("last\n") and "books" in text
    assert run(*arguments, "--output", os.devnull).returncode == 0
    assert run(*arguments, "--output", "/dev/stdout").returncode == 0


def test_what_is_not_open_for_writing_is_told_before_the_work(at: Path, run: Run) -> None:
    with open(os.devnull) as nothing:
        for number in (999, nothing.fileno()):
            result = run("evaluate", "run", "--output", f"/dev/fd/{number}")
            assert result.stderr == f"--output /dev/fd/{number}: is not open for writing; give a file\n"
            assert result.returncode == 2


def test_records_appear_whole_or_not_at_all(at: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = '{"task": "books", "number": 1, "words": ["hours", "of", "work"]}\n'
    (at / "answers").write_text(earlier)
    (at / "many.txt").write_bytes(b"a warm film\n" * 200 + b"\xff\xfe\x00" * 10)
    interrupted: list[str] = []

    def stop(*_: object) -> None:
        interrupted.extend(path.name for path in at.glob(".answers-*"))
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("mtlkit.runs.predict"), "visible", stop)
    assert run("predict", "run", "many.txt", "--output", "answers").returncode == 130
    assert len(interrupted) == 1 and list(at.glob(".answers-*")) == []
    assert (at / "answers").read_text() == earlier


SHOWN = {
    "evaluate": ["evaluate", "run", "--output", "f.json"],
    "evaluate two": ["evaluate", "run", "other", "--anyway", "--output", "f.json"],
    "predict": ["predict", "run", "mine.txt", "--output", "f.json"],
    "compare": ["compare", "run", "other", "--output", "f.json"],
}


@pytest.mark.parametrize("arguments", SHOWN.values(), ids=SHOWN)
def test_an_output_is_whole_before_anything_is_shown(at: Path, arguments: list[str]) -> None:
    """`mtlkit evaluate --output f.json | true` loses nothing; Rich ends a table that nobody reads with 1."""
    read, write = os.pipe()
    os.close(read)  # nobody will read it
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "mtlkit", *arguments], stdout=closed, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == ("evaluate" in arguments) and "Traceback" not in done.stderr, done.stderr
    text = (at / "f.json").read_text()
    assert text.endswith("\n") and "books" in text
    if "evaluate" in arguments:
        json.loads(text)


def test_a_table_of_a_transfer_is_written_before_it_is_shown(
    at: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr("mtlkit.cli.console.show_rows", closed)
    assert run("transfer", "e.json", "--leave-out", "all", "-s", "folds").returncode == 0
    assert json.loads((at / "folds" / "transfer.json").read_text())["tasks"].keys() == {"books", "films"}
    assert (at / "folds" / "transfer.md").exists()


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_an_output_has_the_mode_of_any_file_that_others_may_read(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        output_file(tmp_path / "f.json").write(b"{}\n")
    finally:
        os.umask(before)
    assert (tmp_path / "f.json").stat().st_mode & 0o777 == 0o644 & ~umask


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such limit")
def test_a_program_that_does_not_fit_the_disk_is_told_in_a_sentence(at: Path, run: Run) -> None:
    """In a process of its own, which PyTorch would end where it writes to a full disk."""
    import resource

    assert run("export", "run", "--task", "books", "--output", "p.pt2").returncode == 0
    most = (at / "p.pt2").stat().st_size - 1
    (at / "p.pt2").unlink()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mtlkit", "export", "run", "--task", "books", "--output", "p.pt2"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        capture_output=True,
        text=True,
    )
    refused(done, f"{at / 'p.pt2'}: File too large; make room there")
    assert not [path for path in at.iterdir() if "p.pt2" in path.name]
