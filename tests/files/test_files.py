import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlkit.errors import DataError
from mtlkit.files import (
    PRIVATE,
    Fingerprint,
    cache_folder,
    check_unchanged,
    file_sha256,
    give_name,
    held_lock,
    new_file,
    new_folder,
    new_path,
    open_to_write,
    write_atomically,
    write_new,
)


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


PLANTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "link": (lambda path: path.symlink_to(path.with_name("mine")), "is a symbolic link"),
    "link to nowhere": (lambda path: path.symlink_to(path.with_name("nowhere")), "is a symbolic link"),
    "hard link": (lambda path: os.link(path.with_name("mine"), path), "is a hard link"),
    "pipe": (lambda path: os.mkfifo(path), "is not a regular file"),
    "device": (lambda path: path.symlink_to(os.devnull), "is a symbolic link"),
}


@pytest.mark.parametrize(("plant", "told"), PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("how", ["append", "change"])
def test_what_is_no_file_of_ours_is_not_opened_for_writing(tmp_path, plant, told, how):
    (tmp_path / "mine").write_text("mine")
    plant(tmp_path / "log")
    with pytest.raises(OSError, match=told) as caught:
        open_to_write(tmp_path / "log", how)
    assert caught.value.filename == str(tmp_path / "log")
    assert (tmp_path / "mine").read_text() == "mine" and not (tmp_path / "nowhere").exists()


def test_a_file_of_another_user_is_not_opened_for_writing(tmp_path, monkeypatch):
    (tmp_path / "log").write_text("theirs")
    monkeypatch.setattr(os, "geteuid", lambda: (tmp_path / "log").stat().st_uid + 1)
    with pytest.raises(OSError, match="belongs to another user"):
        open_to_write(tmp_path / "log", "append")


@pytest.mark.parametrize("plant", [plant for plant, _ in PLANTED.values()], ids=PLANTED)
def test_what_has_the_name_of_a_new_file_is_replaced_and_not_followed(tmp_path, plant):
    (tmp_path / "mine").write_text("mine")
    plant(tmp_path / "a")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", b"new")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new" and not (tmp_path / "a").is_symlink()
    plant(tmp_path / "b")
    with new_path(tmp_path / "b") as path:
        path.write_bytes(b"new")
    plant(tmp_path / "c")
    give_name(tmp_path / "a", tmp_path / "c")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes() == b"new"
    assert (tmp_path / "mine").read_text() == "mine" and not (tmp_path / "nowhere").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "a", "b", "c"}


def test_a_second_name_is_a_copy_where_there_are_no_hard_links(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("content")
    monkeypatch.setattr(os, "link", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EPERM, "not permitted")))
    give_name(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "content"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_modes_are_those_of_the_kind_less_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "public", b"")
        write_atomically(tmp_path / "private", b"", mode=PRIVATE)
        with new_path(tmp_path / "path") as path:
            path.unlink()
            path.touch(0o777)  # as libraries do that put a file of their own there
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"public": 0o644 & ~umask, "private": 0o600, "path": 0o644 & ~umask}


def test_a_file_that_is_no_lock_is_not_held(tmp_path):
    (tmp_path / ".app.lock").write_text("12345")
    with (
        pytest.raises(OSError, match="is not a lock of mtlkit: it has other content"),
        held_lock(tmp_path / ".app.lock"),
    ):
        pass
    assert (tmp_path / ".app.lock").read_text() == "12345"
    for _ in range(2):
        with held_lock(tmp_path / ".own.lock"):
            pass
    (tmp_path / ".old.lock").touch()  # of an earlier version
    with held_lock(tmp_path / ".old.lock"):
        pass
    assert (tmp_path / ".old.lock").read_text() == ""
