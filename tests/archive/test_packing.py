"""What is written can be read, and what nobody could read is not written."""

from pathlib import Path

import pytest

from mtlkit.archive import packing, unpacking
from mtlkit.archive.members import LARGEST, largest_size
from mtlkit.archive.packing import pack
from mtlkit.archive.unpacking import unpack
from mtlkit.errors import ArchiveError
from mtlkit.process.processor_time import TimeLimit
from tests.soak.tiny_archive import write_tiny

MEMBERS = {"meta.json": b"{}", "weights/a task.safetensors": bytes(1000)}


def test_it_is_unpacked_as_it_was_packed(tmp_path: Path) -> None:
    known = pack(tmp_path / "a.tar.gz", MEMBERS, {"plugin": "1.0"})
    (tmp_path / "folder").mkdir()
    manifest, digest = unpack(tmp_path / "a.tar.gz", tmp_path / "folder", TimeLimit(60))
    assert digest == known
    assert manifest["plugins"] == {"plugin": "1.0"} and list(manifest["members"]) == list(MEMBERS)
    found = {file.relative_to(tmp_path / "folder").as_posix() for file in (tmp_path / "folder").rglob("*.*")}
    assert found == set(MEMBERS)
    assert all((tmp_path / "folder" / name).read_bytes() == content for name, content in MEMBERS.items())


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    write_tiny(tmp_path / "a.tar.gz")
    write_tiny(tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        ("weights/a:b.safetensors", 1, "cannot be in an archive"),
        ("notes.txt", 1, "cannot be in an archive"),
        ("meta.json", 2**22 + 1, "may have 4194304 bytes in an archive"),
    ],
)
def test_what_nobody_could_unpack_is_not_written(name: str, size: int, says: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=f"not written, since {name} {says}"):
        pack(tmp_path / "a.tar.gz", {name: bytes(size)}, {})
    assert list(tmp_path.iterdir()) == []


def test_there_is_a_limit_to_all_members_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_MEMBERS", 2)
    pack(tmp_path / "a.tar.gz", {"meta.json": b"{}"}, {})
    with pytest.raises(ArchiveError, match="an archive has at most 2 members"):
        pack(tmp_path / "b.tar.gz", MEMBERS, {})


def test_what_compresses_best_can_be_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "FREE_BYTES", 2**20)
    pack(tmp_path / "zeros.tar.gz", {"weights/a.safetensors": bytes(2**25)}, {})
    (tmp_path / "folder").mkdir()
    manifest, _ = unpack(tmp_path / "zeros.tar.gz", tmp_path / "folder", TimeLimit(60))
    assert manifest["members"]["weights/a.safetensors"]["size"] == 2**25


def test_a_name_has_one_limit() -> None:
    assert largest_size("weights/model.safetensors") == max(LARGEST.values())
    assert largest_size("vocabulary/labels.a-b_c%2F.txt") == largest_size("vocabulary/vocabulary.json") == 2**22
    for name in ("", "weights/.safetensors", "weights/a/b.safetensors", "vocabulary/labels/a.txt", "META.JSON", "a.py"):
        assert largest_size(name) is None, name
