"""`predict` by several processes: the bytes that one process writes, also after one of them was lost."""

import gzip
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mtlkit
from mtlkit.errors import ConfigError
from tests.soak.forked import Forked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked, and found in /proc")
Fork = Callable[..., Forked]
WORDS = ["a", "warm", "and", "kind", "book", "of", "bleak", "films", "about", "long", "cold", "nights"]
MANY = 12_000
"""Texts of which no process has answered all before it is stopped."""


def texts(number: int) -> list[str]:
    return [" ".join(WORDS[(place * step) % len(WORDS)] for step in range(1, 2 + place % 9)) for place in range(number)]


def lines_of(format_: str) -> bytes:
    """300 lines, of which some are wrong in this format; none for `reader`, which reads no further then."""
    good = texts(300)
    if format_ == "reader":
        return "".join(f"{'positive' if len(text) % 2 else 'negative'}\t{text}\n" for text in good).encode()
    if format_ == "ids":
        lines = [f"{place}\t{text}".encode() for place, text in enumerate(good)]
    elif format_ == "jsonl":
        lines = [
            json.dumps({"text": text, "label": place, "where": "é \ud83d"}).encode() for place, text in enumerate(good)
        ]
    else:
        lines = [text.encode() for text in good]
    lines[3:3] = [b"", b"\0 nothing", b"\xff\xfe no text", b"no tab, and no JSON"]
    lines[150] = b" " * 3
    return b"\n".join(lines)


def one_process(run: Any, archive: Path, source: Path, output: Path, *options: str) -> Any:
    result = run("predict", archive, source, "--output", output, *options)
    assert result.returncode in (0, 1), result.stderr
    return result


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob(".out.jsonl-*"))


def records_of_unfinished(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "unfinished").glob("*.json"))


@pytest.mark.parametrize("format_", ["auto", "text", "ids", "jsonl", "reader"])
def test_the_output_is_that_of_one_process(
    fork: Fork, run: Any, archive: Path, elsewhere: Path, tmp_path: Path, format_: str
) -> None:
    """In windows of 64 texts, with all tasks, to a file and to standard output."""
    (elsewhere / "in").write_bytes(lines_of(format_))
    options = ["--format", format_, "--batch-size", "2"]
    expected = one_process(run, archive, Path("in"), Path("one.jsonl"), *options)
    content = (elsewhere / "one.jsonl").read_bytes()
    assert content.count(b"\n") >= 600
    for processes in ("1", "3"):
        process = fork("predict", archive, "in", "--output", "out.jsonl", *options, "--processes", processes)
        assert process.wait() == expected.returncode, process.output()
        assert (elsewhere / "out.jsonl").read_bytes() == content
        assert hidden(elsewhere) == [] == records_of_unfinished(tmp_path)
        assert process.output() == expected.stderr
    shown = fork("predict", archive, "in", *options, "--processes", "2", errors=tmp_path / "errors")
    assert shown.wait() == expected.returncode and shown.log.read_bytes() == content


def test_an_input_that_ends_too_early_is_told_as_by_one_process(
    fork: Fork, run: Any, archive: Path, elsewhere: Path, tmp_path: Path
) -> None:
    """After the answers to all that comes before, where they are written as they come."""
    packed = gzip.compress("\n".join(texts(10_000)).encode(), compresslevel=1)
    (elsewhere / "in.gz").write_bytes(packed[: len(packed) // 2])
    options = ["--task", "books", "--format", "text"]
    expected = run("predict", archive, "in.gz", *options)
    assert expected.returncode == 2 and "damaged gzip" in expected.stderr and expected.stdout
    shown = fork("predict", archive, "in.gz", *options, "--processes", "2", errors=tmp_path / "errors")
    assert shown.wait() == 2 and shown.output() == expected.stdout
    assert (tmp_path / "errors").read_text() == expected.stderr
    process = fork("predict", archive, "in.gz", *options, "--output", "out.jsonl", "--processes", "2")
    assert process.wait() == 2 and process.output() == expected.stderr
    assert hidden(elsewhere) == [] == records_of_unfinished(tmp_path) and not (elsewhere / "out.jsonl").exists()


def children(process: Forked) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.fixture
def begun(fork: Fork, archive: Path, elsewhere: Path) -> tuple[Forked, list[str]]:
    """A command that has written some answers, and one of whose processes stands still; and its words."""
    (elsewhere / "in.txt").write_text("\n".join(texts(MANY)))
    words = ["predict", str(archive), "in.txt", "--task", "books", "--batch-size", "16", "--output", "out.jsonl"]
    process = fork(*words, "--processes", "2")
    process.wait_until(lambda: any(each.stat().st_size for each in hidden(elsewhere)))
    os.kill(children(process)[0], signal.SIGSTOP)
    return process, words


def check_whole(run: Any, words: list[str], elsewhere: Path, tmp_path: Path) -> None:
    assert hidden(elsewhere) == [] == records_of_unfinished(tmp_path)
    assert run(*words[:-1], "one.jsonl").returncode == 0
    assert (elsewhere / "out.jsonl").read_bytes() == (elsewhere / "one.jsonl").read_bytes()


def test_a_process_that_is_killed_is_told_and_the_same_command_goes_on(
    begun: tuple[Forked, list[str]], fork: Fork, run: Any, elsewhere: Path, tmp_path: Path
) -> None:
    process, words = begun
    others = children(process)
    os.kill(others[0], signal.SIGKILL)
    assert process.wait() == 2
    kept, told = process.output().splitlines()
    assert "process 1 of 2 was ended by SIGKILL" in told and "the same command goes on after it" in kept
    assert not any(map(is_running, others)) and not (elsewhere / "out.jsonl").exists()
    (partial,) = hidden(elsewhere)
    size = partial.stat().st_size
    assert size and len(records_of_unfinished(tmp_path)) == 1
    with partial.open("ab") as file:
        file.write(b"written after what counts\n")
    again = fork(*words, "--processes", "3")
    assert again.wait() == 0 and "going on after text " in again.output(), again.output()
    check_whole(run, words, elsewhere, tmp_path)


def test_a_signal_ends_all_and_the_same_command_goes_on(
    begun: tuple[Forked, list[str]], fork: Fork, run: Any, elsewhere: Path, tmp_path: Path
) -> None:
    process, words = begun
    others = children(process)
    os.kill(others[0], signal.SIGCONT)
    process.send(signal.SIGTERM)
    assert process.wait() == 128 + signal.SIGTERM
    kept, told = process.output().splitlines()
    assert told == "interrupted" and "are kept" in kept
    assert not any(map(is_running, others))
    again = fork(*words, "--processes", "1")
    assert again.wait() == 0 and "going on after text " in again.output(), again.output()
    check_whole(run, words, elsewhere, tmp_path)


def test_what_a_killed_command_has_begun_leaves_nothing_behind(
    begun: tuple[Forked, list[str]], fork: Fork, run: Any, elsewhere: Path, tmp_path: Path
) -> None:
    process, words = begun
    others = children(process)
    process.kill()
    os.kill(others[0], signal.SIGCONT)
    while any(map(is_running, others)):
        time.sleep(0.01)
    assert len(hidden(elsewhere)) == 1
    again = fork(*words, "--processes", "2")
    assert again.wait() == 0, again.output()
    check_whole(run, words, elsewhere, tmp_path)


def test_another_input_begins_again(
    begun: tuple[Forked, list[str]], fork: Fork, run: Any, elsewhere: Path, tmp_path: Path
) -> None:
    process, words = begun
    process.send(signal.SIGINT)
    os.kill(children(process)[0], signal.SIGCONT)
    assert process.wait() == 128 + signal.SIGINT
    (elsewhere / "in.txt").write_text("\n".join(texts(100)))
    again = fork(*words, "--processes", "2")
    assert again.wait() == 0 and again.output() == ""
    check_whole(run, words, elsewhere, tmp_path)


def test_two_commands_do_not_write_the_same_file(begun: tuple[Forked, list[str]], fork: Fork) -> None:
    _, words = begun
    second = fork(*words, "--processes", "2")
    assert second.wait() == 2
    (told,) = second.output().splitlines()
    assert told.endswith("out.jsonl: another process is writing it; wait until it has ended")


@pytest.mark.parametrize("source", ["-", "pipe"])
def test_what_is_read_once_is_for_one_process(run: Any, archive: Path, elsewhere: Path, source: str) -> None:
    os.mkfifo(elsewhere / "pipe")
    result = run("predict", archive, source, "--processes", "2", text="warm\n")
    assert result.returncode == 2 and "save it to a file" in result.stderr and len(result.stderr.splitlines()) == 1


def test_in_python(archive: Path, elsewhere: Path) -> None:
    """Two processes that are started as users start them."""
    (elsewhere / "in.txt").write_bytes(lines_of("text"))
    said: list[str] = []
    alone = mtlkit.predict_file(archive, "in.txt", "one.jsonl", ["books"], batch_size=2)
    both = mtlkit.predict_file(archive, "in.txt", "two.jsonl", ["books"], batch_size=2, processes=2, say=said.append)
    assert both == alone and alone.records == 304 and alone.errors >= 3 and said == []
    assert (elsewhere / "two.jsonl").read_bytes() == (elsewhere / "one.jsonl").read_bytes()
    for wrong in ({"processes": 0}, {"format": "csv"}, {"precision": "fp64"}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            mtlkit.predict_file(archive, "in.txt", "three.jsonl", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"is source in\.txt, which is read"):
        mtlkit.predict_file(archive, "in.txt", "in.txt")
