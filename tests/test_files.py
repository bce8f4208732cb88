import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlkit.errors import DataError
from mtlkit.files import Fingerprint, cache_folder, check_unchanged, file_sha256, new_file, new_folder, write_atomically


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(DataError, match="cannot be read"):
        file_sha256(tmp_path / "b")


def changes() -> dict[str, Callable[[Path], object]]:
    def grow(path: Path) -> None:
        with path.open("a") as file:
            file.write("more")

    def replace(path: Path) -> None:
        path.with_name("new").write_text("new")  # as long as the old one
        path.with_name("new").replace(path)

    def write_the_same(path: Path) -> None:
        path.write_text("old")
        os.utime(path, (1, 1))

    return {change.__name__: change for change in (grow, replace, write_the_same, Path.unlink)}


@pytest.mark.parametrize("change", changes().values(), ids=changes())
def test_a_change_of_a_file_is_noticed(tmp_path, change):
    path = tmp_path / "a"
    path.write_text("old")
    fingerprint = Fingerprint.of(path)
    fingerprint.check()
    change(path)
    with pytest.raises(DataError, match=r"a: (changed while it was read; start again when|cannot be read)"):
        check_unchanged([fingerprint], [path])
    check_unchanged([fingerprint], [])


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"pipe: is a pipe or a device, and has to be read more than once; save what"):
        Fingerprint.of(tmp_path / "pipe")


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path):
    write_atomically(tmp_path / "a", b"old")
    write_atomically(tmp_path / "a", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"new"}


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_atomically(tmp_path / "a", b"old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomically(tmp_path / "a", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}


def test_a_full_disk_is_told_with_the_file_that_was_to_be(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(tmp_path / "a", b"new")
    assert caught.value.filename == str(tmp_path / "a")


def test_nobody_can_foresee_the_name_of_a_temporary_file(tmp_path):
    names = set()
    for _ in range(5):
        with new_file(tmp_path / "file") as temporary:
            names.add(temporary.name)
    assert len(names) == 5


def test_a_new_folder_appears_only_when_whole(tmp_path):
    target = tmp_path / "deep" / "entry"
    with pytest.raises(RuntimeError), new_folder(target) as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert list(target.parent.iterdir()) == []
    for content in ("first", "second"):
        with new_folder(target) as folder:
            (folder / "file").write_text(content)
            assert content == "second" or not target.exists()
    assert [path.name for path in target.parent.iterdir()] == ["entry"]
    assert (target / "file").read_text() == "second"


def test_a_faster_writer_wins(tmp_path, monkeypatch):
    """Two processes make the same entry; the slower one finds the folder there at the last moment."""
    target = tmp_path / "entry"
    rename = type(target).rename

    def slow_rename(self, to):
        if self.name == "fresh":
            target.mkdir()
            (target / "file").write_text("theirs")
        return rename(self, to)

    monkeypatch.setattr(type(target), "rename", slow_rename)
    with new_folder(target) as folder:
        (folder / "file").write_text("ours")
    assert (target / "file").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]


def test_the_cache_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("MTLKIT_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path("/home/someone/.cache/mtlkit")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/mtlkit")
    monkeypatch.setenv("MTLKIT_CACHE", "~/own")
    assert cache_folder() == Path("/home/someone/own")
