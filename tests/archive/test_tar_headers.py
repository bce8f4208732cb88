"""Headers are read as `tarfile` writes them, and nothing else is."""

import io
import tarfile
from pathlib import Path

import pytest

from mtlkit.archive.packing import pack
from mtlkit.archive.tar_headers import HeaderError, TarHeaders
from mtlkit.archive.unpacking import unpack
from mtlkit.process.processor_time import TimeLimit
from tests.soak.tiny_archive import info, tar


def headers_of(content: bytes) -> list[tuple[str, int, bool]]:
    stream = io.BytesIO(content)
    headers, found = TarHeaders(stream.read), []
    while (member := headers.next()) is not None:
        stream.read(member.size)
        headers.skip_padding(member.size)
        found.append(tuple(member))
    return found


@pytest.mark.parametrize(
    "name",
    [
        "meta.json",
        "vocabulary/labels.a.txt",
        "weights/" + "w" * 92,
        "weights/" + "w" * 93,
        "weights/" + "w" * 235 + ".safetensors",
        "weights/ä.safetensors",
        "w" * 150 + "/" + "x" * 100,
    ],
)
@pytest.mark.parametrize("size", [0, 1, 512, 513])
def test_names_and_sizes_are_those_that_tarfile_writes(name: str, size: int) -> None:
    assert headers_of(tar({name: bytes(size), "last": b"x"})) == [(name, size, True), ("last", 1, True)]


@pytest.mark.parametrize("size", [8**11 - 1, 8**11, 15 * 2**30])
def test_sizes_from_8_gib_on_are_read(size: int) -> None:
    header = io.BytesIO(info("weights/a.safetensors", size).tobuf(tarfile.PAX_FORMAT))
    assert TarHeaders(header.read).next() == ("weights/a.safetensors", size, True)


def test_a_name_of_235_letters_is_packed_and_unpacked(tmp_path: Path) -> None:
    name = f"weights/{'w' * 235}.safetensors"
    pack(tmp_path / "a.tar.gz", {name: b"content"}, {})
    (tmp_path / "folder").mkdir()
    assert list(unpack(tmp_path / "a.tar.gz", tmp_path / "folder", TimeLimit(60))[0]["members"]) == [name]
    assert (tmp_path / "folder" / name).read_bytes() == b"content"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE, tarfile.XGLTYPE])
def test_what_is_no_plain_file_is_said_to_be_none(kind: bytes) -> None:
    header = io.BytesIO(info("a", 0, kind).tobuf())
    member = TarHeaders(header.read).next()
    assert member is not None and not member.is_plain


def test_a_header_that_is_not_of_tar_is_refused() -> None:
    with pytest.raises(HeaderError, match="no valid number"):
        headers_of(b"x" * 512)
