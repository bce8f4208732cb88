"""Only what nobody else can change is trusted, whoever runs the tests."""

import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mtlkit.errors import DataError
from mtlkit.files import ownership
from mtlkit.files.ownership import check_ownership, opened_folder, own_folder, temporary_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
Belong = Callable[[Path], None]


@pytest.fixture
def to_another(monkeypatch: pytest.MonkeyPatch) -> Belong:
    """Gives a path to another user; who is not root becomes another user instead."""
    if os.geteuid() == 0:
        return lambda path: os.chown(path, 65534, -1, follow_symlinks=False)
    return lambda _: monkeypatch.setattr(os, "geteuid", lambda other=os.geteuid() + 1: other)


@pytest.fixture(params=[0o000, 0o002, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(path: Path, place: Path, what: str) -> str:
    """What is said of a folder that is refused: one sentence that names the place."""
    with pytest.raises(DataError, match=re.escape(f"{place}: {what}")) as error:
        own_folder(path)
    assert "set MTLKIT_CACHE to a folder of your own" in str(error.value) and "\n" not in str(error.value)
    return str(error.value)


def test_what_is_made_is_closed_to_others(umask: None, tmp_path: Path) -> None:
    folder = own_folder(tmp_path / "a" / "b")
    assert mode(folder) & 0o077 == mode(tmp_path / "a") & 0o077 == 0
    assert own_folder(folder) == folder


@pytest.mark.parametrize("bits", [0o777, 0o775, 0o1777, 0o757, 0o730])
def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path, bits: int) -> None:
    folder = own_folder(tmp_path / "cache")
    folder.chmod(bits)
    refused(folder, folder, "other users can write to it, and what is in it may be theirs; remove it, or")


def test_the_remedies_work(tmp_path: Path) -> None:
    folder = own_folder(tmp_path / "cache")
    folder.chmod(0o777)
    own_folder(tmp_path / "of my own")
    folder.rmdir()
    assert mode(own_folder(folder)) == 0o700


def test_a_folder_of_another_user_is_refused(tmp_path: Path, to_another: Belong) -> None:
    folder = own_folder(tmp_path / "cache")
    to_another(folder)
    refused(folder, folder, "belongs to another user;")


def test_a_folder_that_others_can_replace_is_refused(tmp_path: Path) -> None:
    folder = own_folder(tmp_path / "open" / "cache" / "kernels")
    (tmp_path / "open").chmod(0o777)
    refused(folder, tmp_path / "open", "other users can replace the folders in it;")
    refused(tmp_path / "open" / "new", tmp_path / "open", "other users can replace the folders in it;")
    (tmp_path / "link").symlink_to(folder)
    refused(tmp_path / "link", tmp_path / "open", "other users can replace the folders in it;")
    (tmp_path / "open").chmod(0o1777)  # as /tmp
    assert own_folder(folder) == folder


def test_a_group_of_others_can_replace_folders_and_ones_own_group_can_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = own_folder(tmp_path / "open" / "cache")
    (tmp_path / "open").chmod(0o770)
    for is_own in (True, False):
        monkeypatch.setattr(ownership, "_is_own_group", lambda _, is_own=is_own: is_own)
        if is_own:
            own_folder(folder)
        else:
            refused(folder, tmp_path / "open", "other users can replace the folders in it;")


def test_a_link_of_another_user_is_refused(tmp_path: Path, to_another: Belong) -> None:
    own_folder(tmp_path / "cache")
    link = tmp_path / "link"
    link.symlink_to("cache")
    assert own_folder(link) == link
    to_another(link)
    refused(link, link, "is a link that belongs to another user;")


def test_links_without_end_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(OSError, match="symbolic links"):
        own_folder(tmp_path / "one" / "cache")


def test_a_file_that_others_can_change_is_refused(tmp_path: Path, to_another: Belong) -> None:
    folder = own_folder(tmp_path / "cache")
    file = folder / "file"
    file.write_text("")
    file.chmod(0o644)
    for bits, is_refused in ((0o644, False), (0o600, False), (0o664, True), (0o646, True)):
        file.chmod(bits)
        with opened_folder(folder) as opened:
            if is_refused:
                with pytest.raises(DataError, match=re.escape(f"{file}: other users can write to it")):
                    check_ownership(opened / "file")
            else:
                check_ownership(opened / "file")
    file.unlink()
    file.symlink_to("/dev/null")
    with pytest.raises(DataError, match="not a regular file; remove it, and it is made again"):
        check_ownership(file)
    file.unlink()
    file.write_text("")
    to_another(file)
    with pytest.raises(DataError, match=re.escape(f"{file}: belongs to another user; set MTLKIT_CACHE")):
        check_ownership(file)


@pytest.mark.skipif(not ownership.DESCRIPTORS.is_dir(), reason="there is no /proc")
def test_what_is_opened_is_what_was_checked(tmp_path: Path) -> None:
    folder = own_folder(tmp_path / "cache")
    (folder / "file").write_text("ours")
    with opened_folder(folder) as opened:
        folder.rename(tmp_path / "moved")
        folder.mkdir()
        (folder / "file").write_text("theirs")
        assert (opened / "file").read_text() == "ours"


def test_temporary_folders_are_refused_where_others_can_replace_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tmp_path.chmod(0o777)
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}: ") + ".*; set TMPDIR to a folder of your own"):
        temporary_folder().__enter__()
    assert not list(tmp_path.iterdir())
    tmp_path.chmod(0o1777)
    with temporary_folder() as folder:
        assert mode(folder) == 0o700 and folder.parent == tmp_path
    assert not folder.exists()


def test_every_temporary_folder_is_checked() -> None:
    root = Path(ownership.__file__).parent
    made = r"TemporaryDirectory\(|mkdtemp\(|mkstemp\(|TemporaryFile\("
    makers = {
        str(path.relative_to(root)): [line for line in path.read_text("utf-8").splitlines() if re.search(made, line)]
        for path in root.rglob("*.py")
    }
    checked = ("folder_of_temporary_files()", "dir=target.parent")  # the latter is beside what it replaces
    assert [line for lines in makers.values() for line in lines if not any(each in line for each in checked)] == []
    assert makers["ownership.py"]
