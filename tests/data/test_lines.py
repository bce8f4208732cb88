import gzip
import re

import pytest

from mtlkit.data.lines import parse_lines, read_lines
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-be"])
def test_utf16_and_utf32_are_named_by_their_byte_order_mark(tmp_path, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeff一二\n".encode(encoding) if encoding.endswith("be") else "一二\n".encode(encoding))
    with pytest.raises(DataError, match=re.escape(f"{path}:1: UTF-16 or UTF-32, by its byte order mark; convert the")):
        list(read_lines(path))


def test_lines_that_end_at_cr_alone_are_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\rtwo\r")
    with pytest.raises(DataError, match=r"a\.txt:1: lines that end at CR alone, as on old Macs; convert them to LF"):
        list(read_lines(path))
    path.write_bytes(b"one\r")
    assert list(read_lines(path)) == [(1, "one")]


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
