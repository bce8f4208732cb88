"""Whatever is given to the command: it does it or says in a sentence why not; nobody sees a traceback."""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mtlkit.cli import main
from mtlkit.cli.app import app

FILES = {
    "missing_data.json": json.dumps(
        {
            "tasks": {"a": {"reader": {"type": "jsonl"}, "head": {"type": "classifier"}, "train": "nowhere.jsonl"}},
            "model": {"embedder": {"type": "words"}, "sharing": {"type": "private", "encoder": {"type": "lstm"}}},
        }
    ),
    "wrong.json": '{"tasks": 1}',
    "function.jsonnet": "function(a, b=2) {tasks: a}",
    "broken.jsonnet": "{a: ",
    "archive.tar.gz": "no archive",
    "texts.jsonl": '{"text": "good", "label": "yes"}\n',
    "component.py": "raise ImportError('no such thing')\n",
}
WORDS = [
    *("", "-", "--", "0", "-1", "1", "3", "1e9", "9" * 30, "nan", "a=b", "=", "a.b.0=1", "model.dropout=["),
    *("tasks=null", "tasks.a.max_length=1", "a=1", "b=[1]", "é", "\udcff", "a\udcff=1", "x" * 5000, "[", '{"a": 1}'),
    *("cpu", "cuda:99", "none", "sharing_scheme", "encoder", "lstm", "trainer", "books", ".", "..", "/", "/dev/null"),
    *("runs", "vader", "a\nb", "%s", "{0}", "train", "test", "markdown", "nowhere/none.json"),
]


def _commands() -> dict[tuple[str, ...], list[str]]:
    """Every verb but `data fetch`, which would fetch, and its options."""
    root: Any = typer.main.get_command(app)
    found = {}
    for name, command in root.commands.items():
        inner = {(name, each): part for each, part in command.commands.items()} if hasattr(command, "commands") else {}
        for verb, part in (inner or {(name,): command}).items():
            found[verb] = [option for param in part.params for option in param.opts if option.startswith("-")]
    del found["data", "fetch"]
    return found


COMMANDS = _commands()


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A verb or none, with options of its own and others, and words before, between and behind."""
    verb = draw(st.sampled_from([(), *COMMANDS]))
    options = [*COMMANDS.get(verb, []), "--help", "--version", "--typo"]
    words = st.sampled_from([*FILES, *WORDS]) | st.text(max_size=4).filter(lambda text: "\0" not in text)
    pieces = st.sampled_from(options).map(lambda option: [option]) | words.map(lambda word: [word])
    pieces |= st.tuples(st.sampled_from(options), words).map(list)
    given = [word for piece in draw(st.lists(pieces, max_size=6)) for word in piece]
    return [*verb, *(word for word in given if word != "fetch")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    where = tmp_path_factory.mktemp("here")
    for name, text in FILES.items():
        (where / name).write_text(text)
    with contextlib.chdir(where), pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLKIT_CACHE", str(where / "cache"))
        yield


@pytest.mark.usefixtures("folder")
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(arguments=command_lines())
@example(arguments=["check", "missing_data.json", "-o", "seed=\udcff"])
def test_no_traceback(arguments: list[str]) -> None:
    """Texts of a name that is not text come from the system with half a surrogate pair for each byte."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mtlkit", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"good\n")))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as ended:
            main()
    for stream in (out, err):
        stream.seek(0)
    told = err.read()
    assert ended.value.code in (None, 0, 2), told
    assert "Traceback" not in told
    assert ended.value.code != 2 or told.strip() or out.read().strip()
    assert all(Path(name).read_text() == text for name, text in FILES.items())
