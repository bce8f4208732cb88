"""Files with which interrupted work goes on, and what lies beside them that is not believed."""

import json
import os
import sys
from pathlib import Path

import pytest

from mtlkit.errors import ConfigError
from mtlkit.files import resumable
from mtlkit.files.resumable import ResumableFile, resumable_file


class Stopped(Exception):
    """What interrupts the work here."""


BASIS = {"input": "abc", "size": 3}


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(resumable, "SAVE_SECONDS", 1e9)  # nothing depends on the clock
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "a.jsonl"


def begin(target: Path, *parts: bytes) -> ResumableFile:
    """Work that is interrupted after so many parts."""
    with pytest.raises(Stopped), resumable_file(target, BASIS) as file:
        for number, part in enumerate(parts, 1):
            file.append(part, number)
        raise Stopped
    return file


def record(target: Path) -> Path:
    (found,) = (target.parents[1] / "cache" / "unfinished").glob("*.json")
    return found


def finish(target: Path, part: bytes = b"end\n") -> object:
    """The state at which the work goes on, to its end."""
    with resumable_file(target, BASIS) as file:
        state = file.state
        file.append(part, None)
    return state


def test_work_goes_on_where_it_was_interrupted(target: Path) -> None:
    assert begin(target, b"one\n", b"two\n").kept == 2
    (partial,) = target.parent.iterdir()
    assert partial.name.startswith(".a.jsonl-") and partial.read_bytes() == b"one\ntwo\n"
    with partial.open("ab") as file:
        file.write(b"written by a process that was killed before it said so")
    assert finish(target) == 2
    assert target.read_bytes() == b"one\ntwo\nend\n" and [*target.parent.iterdir()] == [target]
    assert not list((target.parents[1] / "cache" / "unfinished").iterdir())
    assert finish(target, b"anew\n") is None and target.read_bytes() == b"anew\n"


def test_what_is_there_stays_until_the_end(target: Path) -> None:
    target.write_bytes(b"old\n")
    begin(target, b"one\n")
    assert target.read_bytes() == b"old\n"
    begin(target)
    assert finish(target) == 1 and target.read_bytes() == b"one\nend\n"


def test_nothing_is_left_of_work_that_came_to_nothing(target: Path) -> None:
    assert begin(target).kept is None
    assert not list(target.parent.iterdir())
    with pytest.raises(Stopped), resumable_file(target, BASIS) as file:
        file.append(b"one\n", 1)
        file.discard()
        raise Stopped
    assert not list(target.parent.iterdir()) and not list((target.parents[1] / "cache" / "unfinished").iterdir())


def test_another_basis_begins_again(target: Path) -> None:
    begin(target, b"one\n")
    with resumable_file(target, {**BASIS, "input": "abd"}) as file:
        assert file.state is None
        file.append(b"other\n", 1)
    assert target.read_bytes() == b"other\n" and [*target.parent.iterdir()] == [target]


def test_what_was_not_written_by_us_is_neither_used_nor_removed(target: Path) -> None:
    """As of somebody who can write in the folder, or who made it."""
    begin(target, b"one\n", b"two\n")
    (partial,) = target.parent.iterdir()
    partial.write_bytes(b"ONE\ntwo\n")
    assert finish(target) is None
    assert target.read_bytes() == b"end\n" and partial.read_bytes() == b"ONE\ntwo\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_is_not_followed(target: Path, link: object) -> None:
    begin(target, b"one\n")
    (partial,) = target.parent.iterdir()
    other = target.parents[1] / "other"
    partial.rename(other)
    link(other, partial)  # type: ignore[operator]
    assert finish(target) is None and target.read_bytes() == b"end\n" and other.read_bytes() == b"one\n"


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"basis": {}}',
        b'{"basis": {}, "file": "../x", "size": 1, "sha256": ""}',
        b'{"basis": {}, "file": ".a", "size": "1", "sha256": ""}',
    ],
)
def test_a_damaged_record_begins_again(target: Path, content: bytes) -> None:
    begin(target, b"one\n")
    record(target).write_bytes(content)
    assert finish(target) is None and target.read_bytes() == b"end\n"


@pytest.mark.skipif(sys.platform == "win32", reason="ownership is not checked")
def test_a_record_that_others_can_write_is_not_believed(target: Path) -> None:
    begin(target, b"one\n")
    record(target).chmod(0o666)
    assert finish(target) is None


def test_a_record_belongs_to_one_target(target: Path) -> None:
    begin(target, b"one\n")
    assert finish(target.with_name("b.jsonl")) is None
    assert finish(target) == 1


def test_work_goes_on_without_a_cache(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But it cannot go on once it was interrupted."""
    (target.parents[1] / "file").write_text("")
    monkeypatch.setenv("MTLKIT_CACHE", str(target.parents[1] / "file" / "cache"))
    file = begin(target, b"one\n")
    assert file.why_not is not None and file.kept is None and not list(target.parent.iterdir())
    assert finish(target) is None and target.read_bytes() == b"end\n"


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked")
def test_a_second_writer_is_refused(target: Path) -> None:
    with resumable_file(target, BASIS) as file:
        file.append(b"one\n", 1)
        with pytest.raises(ConfigError, match="another process is writing it"), resumable_file(target, BASIS):
            pass
    assert target.read_bytes() == b"one\n"


def test_what_was_saved_survives_being_killed(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done at the end of a process that is killed."""
    file = ResumableFile(target, BASIS)
    file.append(b"one\n", 1)
    monkeypatch.setattr(resumable, "SAVE_SECONDS", 0.0)
    file.append(b"two\n", 2)
    monkeypatch.setattr(resumable, "SAVE_SECONDS", 1e9)
    file.append(b"three\n", 3)
    file._file.close()
    assert json.loads(record(target).read_bytes())["state"] == 2
    assert finish(target) == 2 and target.read_bytes() == b"one\ntwo\nend\n"


def test_an_error_names_the_file_that_the_user_knows(target: Path) -> None:
    target.parent.rmdir()
    with pytest.raises(OSError) as caught, resumable_file(target, BASIS):
        pass
    assert caught.value.filename == str(target)
