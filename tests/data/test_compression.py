"""Compressed files: told by their content, and every damage ends in a sentence with file and line."""

import bz2
import gzip
import io
import lzma
import random
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest

from mtlkit.data import unpackers
from mtlkit.data.lines import read_lines
from mtlkit.errors import DataError

CONTENT = b"".join(b"%d\t%d\n" % (number, number * number % 1009) for number in range(30_000))
LINES = CONTENT.decode().splitlines()
LESS = CONTENT[: CONTENT.index(b"15000\t")]
"""The first half, more than is unpacked at a time, for what is tried at many places."""
ZSTANDARD = bytes.fromhex("28b52ffd240a510000610a7468650a656e640a0449e507")
"""What `zstd` 1.5.4 makes of the lines `a`, `the` and `end`."""


def zipped(content: bytes, *others: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("data/a.tsv", content)
        for name in others:
            archive.writestr(name, "x")
    return packed.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
}
each_kind = pytest.mark.parametrize("kind", PACKERS)


def lines_of(path):
    return [line for _, line in read_lines(path)]


@each_kind
@pytest.mark.parametrize("name", ["a.tsv", "a.gz", "a.zip", "none"])
def test_a_file_is_unpacked_whatever_its_name(tmp_path, kind, name):
    (tmp_path / name).write_bytes(PACKERS[kind](CONTENT))
    assert lines_of(tmp_path / name) == LINES


@pytest.mark.parametrize("name", ["a.gz", "a.bz2", "a.xz", "a.zst", "a.zip"])
def test_plain_text_is_read_as_such_whatever_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(CONTENT)
    assert lines_of(tmp_path / name) == LINES


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("padding", [0, 4, 200_000])
def test_several_streams_are_one_file(tmp_path, kind, padding):
    half = len(CONTENT) // 2 - 7  # in the middle of a line
    parts = [PACKERS[kind](CONTENT[:half]) + bytes(padding), PACKERS[kind](b""), PACKERS[kind](CONTENT[half:])]
    (tmp_path / "a").write_bytes(b"".join(parts) + bytes(padding))
    assert lines_of(tmp_path / "a") == LINES


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_of_zip_is_read(tmp_path, method):
    (tmp_path / "a").write_bytes(zipped(CONTENT, method=method))
    assert lines_of(tmp_path / "a") == LINES


def test_what_macos_adds_to_a_zip_archive_is_no_file(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(CONTENT, "data/", "__MACOSX/data/._a.tsv", ".DS_Store"))
    assert lines_of(tmp_path / "a.zip") == LINES


@pytest.mark.parametrize(
    ("others", "what"),
    [
        (("b.tsv",), r"a zip archive with 2 files \(data/a\.tsv, b\.tsv\), where one file is read; unpack it and"),
        (tuple("bcdef"), r"a zip archive with 6 files \(data/a\.tsv, b, c, d, \.\.\.\), where one file"),
        (("[Content_Types].xml", "xl/workbook.xml"), "is an Office document; save it as text with TABs"),
    ],
)
def test_a_zip_archive_of_several_files_is_refused(tmp_path, others, what):
    (tmp_path / "a.zip").write_bytes(zipped(CONTENT, *others))
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}/a.zip: ") + what):
        lines_of(tmp_path / "a.zip")


def test_a_zip_archive_without_a_file_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w"):
        pass
    with pytest.raises(DataError, match=r"a\.zip: a zip archive with no file, where one file is read"):
        lines_of(tmp_path / "a.zip")


@each_kind
def test_data_that_are_cut_off_anywhere_are_refused(tmp_path, kind):
    packed = PACKERS[kind](LESS)
    cuts = random.Random(1)
    for length in {len(packed) - 1, len(packed) - 9, *(cuts.randrange(12, len(packed)) for _ in range(40))}:
        (tmp_path / "a").write_bytes(packed[:length])
        with pytest.raises(DataError, match=re.escape(str(tmp_path / "a")) + rf":\d+: damaged {kind} \(.+\); fetch or"):
            lines_of(tmp_path / "a")


@each_kind
def test_data_with_a_changed_byte_are_refused_or_read_as_they_were(tmp_path, kind):
    packed, places, refused = PACKERS[kind](LESS), random.Random(2), 0
    for _ in range(60):
        changed = bytearray(packed)
        changed[places.randrange(10, len(packed))] ^= 1 << places.randrange(8)
        (tmp_path / "a").write_bytes(changed)
        try:
            # A date or a name in a header may change; the content may not.
            assert lines_of(tmp_path / "a") == LESS.decode().splitlines()
        except DataError as error:
            assert re.match(re.escape(str(tmp_path / "a")) + r"(:\d+)?: .+; ", str(error)), error
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("rest", [b"<html>not found", b"\0\0\0\0x"])
def test_what_follows_the_compressed_data_is_not_ignored(tmp_path, kind, rest):
    (tmp_path / "a").write_bytes(PACKERS[kind](CONTENT) + rest)
    with pytest.raises(DataError, match=rf":30001: damaged {kind} \("):
        lines_of(tmp_path / "a")


@pytest.mark.parametrize("kind", ["bzip2", "xz"])
def test_a_damaged_second_stream_is_not_taken_for_the_end(tmp_path, kind):
    second = bytearray(PACKERS[kind](CONTENT))
    second[4] ^= 0xFF
    (tmp_path / "a").write_bytes(PACKERS[kind](CONTENT) + second)
    with pytest.raises(DataError, match=rf":30001: damaged {kind} \("):
        lines_of(tmp_path / "a")


def test_an_encrypted_zip_archive_is_refused(tmp_path):
    packed = bytearray(zipped(CONTENT))
    packed[6] |= 1  # the flag of the member's own header, and that of the directory
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(packed)
    with pytest.raises(DataError, match=r"a\.zip:1: damaged zip \(.*encrypted, password required"):
        lines_of(tmp_path / "a.zip")


def test_data_that_are_compressed_twice_are_refused(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(bz2.compress(CONTENT)))
    with pytest.raises(DataError, match=r"a\.gz: bzip2 data inside gzip data; unpack the file once"):
        lines_of(tmp_path / "a.gz")


@pytest.mark.parametrize(
    ("start", "what"), [(b"7z\xbc\xaf\x27\x1c\0", "a 7z archive"), (b"PAR1\x15", "a Parquet file")]
)
def test_other_files_are_named(tmp_path, start, what):
    (tmp_path / "a").write_bytes(start)
    with pytest.raises(DataError, match=f"is {what}; give its content as a text file"):
        lines_of(tmp_path / "a")


def test_a_decompression_bomb_is_unpacked_no_further_than_the_longest_line(tmp_path):
    for kind, pack in PACKERS.items():
        (tmp_path / kind).write_bytes(pack(b"x" * 2**27))
        with pytest.raises(DataError, match=f"{kind}:1: a line of more than 16,777,216 bytes"):
            lines_of(tmp_path / kind)


def test_zstandard_that_cannot_be_unpacked_is_told_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(unpackers, "ZSTANDARD", ())
    (tmp_path / "a.tsv").write_bytes(ZSTANDARD)
    with pytest.raises(DataError, match=r"a\.tsv: Zstandard data, which .*; run pip install zstandard, or unpack"):
        lines_of(tmp_path / "a.tsv")


def test_zstandard_is_unpacked_where_a_package_can(tmp_path):
    pytest.importorskip("zstandard")
    (tmp_path / "a.tsv").write_bytes(ZSTANDARD + bytes.fromhex("532a4d1803000000") + b"any" + ZSTANDARD)
    assert lines_of(tmp_path / "a.tsv") == ["a", "the", "end"] * 2


def test_damaged_zstandard_is_refused_where_a_package_can_unpack_it(tmp_path):
    packed = pytest.importorskip("zstandard").ZstdCompressor(write_checksum=True).compress(CONTENT)
    (tmp_path / "a").write_bytes(packed)
    assert lines_of(tmp_path / "a") == LINES
    for changed in [*(packed[:length] for length in range(5, len(packed), 999)), packed[:-1], packed[:-1] + b"x"]:
        (tmp_path / "a").write_bytes(changed)
        with pytest.raises(DataError, match=r"a:\d+: damaged Zstandard \(.+\); fetch or"):
            lines_of(tmp_path / "a")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n", "a pointer of Git LFS"),
        (b"\x93NUMPY\x01\0v\0{}", "an array of NumPy"),
        (b"SQLite format 3\0", "an SQLite database"),
        (zlib.compress(CONTENT), "zlib data"),
        (lzma.compress(CONTENT, lzma.FORMAT_ALONE), "data of the old LZMA format"),
    ],
)
def test_other_files_are_named_also_where_they_are_compressed(content, what, packed, tmp_path):
    (tmp_path / "a").write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DataError, match=rf"a: {'holds' if packed else 'is'} {what}"):
        list(read_lines(tmp_path / "a"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_archive_is_named(mode, tmp_path):
    (tmp_path / "a.tsv").write_bytes(CONTENT[:1000])
    with tarfile.open(tmp_path / "a", mode) as archive:
        archive.add(tmp_path / "a.tsv")
    with pytest.raises(DataError, match=r"a: (is|holds) a tar archive; give its content as a text file"):
        list(read_lines(tmp_path / "a"))
