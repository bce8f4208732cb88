"""README.md, followed word for word: everything in it that can be run is run, in its order, from an empty folder.

What is not as a reader has it, so that this takes a minute:

- each VADER corpus is every 40th of its lines, in a cache of the test's own;
- `my.jsonnet` says `epochs: 1` where the README says 8;
- `make` and `pip` are left out: the environment of the tests is what they make.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtlkit.data.fetch import VADER_FILES
from tests.soak.forked import Circumstances, link_kernels, run_forked

README = Path(__file__).parent.parent / "README.md"
EVERY = 40
"""Of so many lines of a corpus one is kept."""
SHORTER = ("trainer: { epochs: 8, patience: 2 }", "trainer: { epochs: 1 }")
LEFT_OUT = ("make", "pip")
DIFFERENT = 1
"""The exit code of `mtlkit diff` where two runs differ, as the README says of its example."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="commands are forked from a server")


@dataclass(frozen=True)
class Block:
    """Something set apart in the README: code in a language, or indented lines, which are `console`."""

    language: str
    text: str
    after: str
    """The prose that follows."""

    @property
    def file(self) -> str | None:
        """The name under which the reader is told to save it."""
        found = re.match(r"\s*Save it as `([^`]+)`", self.after)
        return found[1] if found else None


@dataclass(frozen=True)
class Outcome:
    """What came of a command, or of a Python program."""

    command: str
    code: int | None
    output: str


def blocks() -> list[Block]:
    text = README.read_text(encoding="utf-8")
    found = list(re.finditer(r"^```(\w*)\n(.*?)^```$|(?:^    [^\n]*\n)+", text, re.MULTILINE | re.DOTALL))
    ends = [*(each.start() for each in found[1:]), len(text)]
    return [
        Block(each[1] if each[2] else "console", each[2] or each[0], text[each.end() : end])
        for each, end in zip(found, ends, strict=True)
    ]


def commands(block: Block) -> Iterator[str]:
    """The commands of indented lines, each on one line; what is not a command is the tree of a run's directory."""
    for line in re.sub(r"\\\n\s*", "", block.text).splitlines():
        if re.match(r"    (mtlkit|make|pip|echo|printf) ", line):
            yield line.strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reader")


@pytest.fixture(scope="module")
def environment(vader_corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A cache with small corpora, and `mtlkit` on the path."""
    place = tmp_path_factory.mktemp("installed")
    link_kernels(place / "cache")
    small = place / "cache" / vader_corpora.name
    small.mkdir()
    for name in VADER_FILES.values():
        lines = (vader_corpora / name).read_bytes().splitlines(keepends=True)
        (small / name).write_bytes(b"".join(lines[::EVERY]))
    (place / "mtlkit").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m mtlkit "$@"\n')
    (place / "mtlkit").chmod(0o755)
    paths = {
        "PATH": f"{place}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return {**paths, "MTLKIT_CACHE": str(place / "cache"), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def outcomes(folder: Path, environment: dict[str, str]) -> list[Outcome]:
    """The outcomes of everything that the reader is told to do, in its order, up to the first that failed."""
    found: list[Outcome] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in blocks():
            for outcome in follow(block, folder, environment):
                found.append(outcome)
                assert outcome.code == (DIFFERENT if "mtlkit diff" in outcome.command else 0), outcome
    return found


def follow(block: Block, folder: Path, environment: dict[str, str]) -> Iterator[Outcome]:
    """Does what a block is there for: saves a file, gives commands, or runs a program."""
    if block.file is not None:
        (folder / block.file).write_text(block.text.replace(*SHORTER), encoding="utf-8")
    elif block.language == "console":
        for command in commands(block):
            if command.split()[0] not in LEFT_OUT:
                yield give(command, folder, environment)
    elif block.language == "python":
        program = block.text + "".join(f"\n{name}()\n" for name in re.findall(r"^def (test_\w+)", block.text, re.M))
        yield run_program([sys.executable, "-c", program], block.text, folder, environment)


def give(command: str, folder: Path, environment: dict[str, str]) -> Outcome:
    """Gives a command as a shell does; one of mtlkit alone is forked, which spares the time of its imports."""
    words = shlex.split(command, comments=True)
    if words[0] != "mtlkit" or "|" in words:
        return run_program(["bash", "-c", command], command, folder, environment)
    circumstances = Circumstances(environment=tuple(environment.items()))
    return Outcome(command, *run_forked(words[1:], folder / ".output", circumstances))


def run_program(words: Sequence[str], command: str, folder: Path, environment: dict[str, str]) -> Outcome:
    given = {**os.environ, **environment}
    done = subprocess.run(words, cwd=folder, env=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return Outcome(command, done.returncode, done.stdout)


def output_of(outcomes: Sequence[Outcome], part: str) -> str:
    """The output of the one command with this part."""
    (outcome,) = (each for each in outcomes if part in each.command)
    return outcome.output


def test_the_reader_is_told_what_this_test_knows() -> None:
    found = blocks()
    assert [block.file for block in found if block.file] == ["my.jsonnet", "dot_product.py"]
    assert SHORTER[0] in next(block.text for block in found if block.file == "my.jsonnet")
    given = [command for block in found if block.language == "console" for command in commands(block)]
    verbs = {words[1] for words in map(str.split, given) if words[0] == "mtlkit"}
    assert {"check", "train", "sweep", "evaluate", "explain", "compare", "diff", "report", "transfer"} <= verbs
    written = re.findall(r"^    (?:\w.*\| )?(\w+) [^/\s].*$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len([word for word in written if word in ("mtlkit", *LEFT_OUT)]) == len(
        [command for command in given if re.match(r"(mtlkit|make|pip) |.*\| mtlkit ", command)]
    )


def test_every_command_of_the_readme_succeeds(outcomes: list[Outcome], folder: Path) -> None:
    assert len(outcomes) > 15
    runs = {path.parent.relative_to(folder).as_posix() for path in folder.glob("runs/*/metrics.json")}
    assert runs == {f"runs/{name}" for name in ("trial", "my", "direct", "python", "dot_product")}
    assert len(list(folder.glob("runs/my-sweep/*/metrics.json"))) == 6
    assert len(list(folder.glob("runs/transfer-my/*/metrics.json"))) == 4
    meta = {run: json.loads((folder / run / "meta.json").read_text()) for run in runs}
    assert [run for run in runs if meta[run]["limit"] is not None] == ["runs/trial"]


def test_they_print_what_the_readme_says_of_them(outcomes: list[Outcome], folder: Path) -> None:
    assert "mtlkit check" not in output_of(outcomes, "check my.jsonnet --data") and "path of movie" in output_of(
        outcomes, "check my.jsonnet --data"
    )
    assert "edges" in output_of(outcomes, "components communicator direct")
    assert "best on dev data: model.embedder.dim=" in output_of(outcomes, "mtlkit sweep")
    test = json.loads((folder / "runs/my/metrics.json").read_text())["test"]
    assert f"{test['movie/accuracy']:.2%}" in output_of(outcomes, "mtlkit evaluate runs/my  ")
    record = json.loads(output_of(outcomes, "mtlkit predict").splitlines()[-1])
    assert record["task"] == "movie" and record["label"] in ("positive", "negative")
    assert "movie: " in output_of(outcomes, "mtlkit explain")
    assert "dot_product" in output_of(outcomes, "mtlkit compare") and "p" in output_of(outcomes, "mtlkit compare")
    assert "model.sharing.communicator.type" in output_of(outcomes, "mtlkit diff")
    assert "archive: runs/my/archive.tar.gz" in output_of(outcomes, "mtlkit train my.jsonnet --resume")
    assert "average" in output_of(outcomes, "mtlkit transfer")
    assert (folder / "runs/my/report.html").is_file() and list((folder / "figures").glob("*.svg"))


def test_python_prints_what_its_run_came_to(outcomes: list[Outcome], folder: Path) -> None:
    lines = output_of(outcomes, "mtlkit.train(").splitlines()
    metrics = json.loads((folder / "runs/python/metrics.json").read_text())
    assert str(metrics["test"]["average/accuracy"]) in lines
    assert json.loads((folder / "runs/python/experiment.resolved.json").read_text())["trainer"]["epochs"] == 3


def test_a_run_leaves_what_the_readme_says(outcomes: list[Outcome], folder: Path) -> None:
    (tree,) = (block.text for block in blocks() if block.text.startswith("    runs/my/\n"))
    named = [name for line in re.findall(r"^      (\S+(?:, \S+)*)  ", tree, re.M) for name in line.split(", ")]
    assert len(named) > 10
    for name in named:
        assert (folder / "runs/my" / name).exists(), name
