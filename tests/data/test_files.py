import gzip
import re

import pytest

from mtlkit.data.files import file_sha256, new_folder, parse_lines, read_lines, write_atomically
from mtlkit.errors import DataError


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_lines_end_at_newline_bytes_only(tmp_path, name):
    path = tmp_path / name
    content = "one\x85still\u2028one\x0b\x0c\ntwo\r\r\n\nlast".encode()
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert list(read_lines(path)) == [(1, "one\x85still\u2028one\x0b\x0c"), (2, "two\r"), (3, ""), (4, "last")]


def test_a_byte_order_mark_is_no_text(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    assert [line for _, line in read_lines(path)] == ["a", "\ufeffb"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}/none.txt: no such file")):
        list(read_lines(tmp_path / "none.txt"))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        list(read_lines(tmp_path))


def test_bytes_that_are_not_utf8_are_placed(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine\ncaf\xe9\n")
    with pytest.raises(DataError, match=re.escape(f"{path}:2: not UTF-8")):
        list(read_lines(path))


def test_a_file_that_is_no_gzip_is_placed(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(b"0\tplain text\n")
    with pytest.raises(DataError, match=re.escape(f"{path}:1: damaged gzip")):
        list(read_lines(path))


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_damaged_gzip_is_placed(tmp_path, damage):
    path = tmp_path / "a.gz"
    packed = bytearray(gzip.compress(b"".join(b"%d\n" % n for n in range(9000))))
    if damage == "cut":
        del packed[-2000:]
    else:
        packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(DataError, match=re.escape(str(path)) + r":\d+: damaged gzip"):
        list(read_lines(path))


def test_an_error_of_the_parser_gets_its_place(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("1\n2\nx\n")

    def number(line: str) -> int:
        if not line.isdigit():
            raise DataError("no number")
        return int(line)

    parsed = parse_lines(path, number)
    assert [next(parsed), next(parsed)] == [1, 2]
    with pytest.raises(DataError, match=re.escape(f"{path}:3: no number")):
        next(parsed)


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(DataError, match="cannot be read"):
        file_sha256(tmp_path / "b")


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
