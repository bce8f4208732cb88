import os
from hashlib import sha256
from pathlib import Path

import pytest

from mtlkit.files import DigestingWriter, file_sha256, open_to_write
from mtlkit.files.digesting import BLOCK

CONTENTS = {
    "nothing": b"",
    "words": b"abc",
    "zeros": bytes(3 * BLOCK),
    "zeros at the end": b"a" + bytes(5 * BLOCK),
    "zeros at the start": bytes(2 * BLOCK) + b"a",
    "zeros within": b"a" * 100 + bytes(4 * BLOCK) + b"b" * BLOCK + bytes(BLOCK + 1) + b"c",
    "ends of a block alone are zero": bytes(1) + b"a" * (BLOCK - 2) + bytes(1),
}


@pytest.mark.parametrize("size", [1, 1000, BLOCK, 10 * BLOCK])
@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_written_is_what_is_read_and_what_the_digest_is_of(name: str, size: int, tmp_path: Path) -> None:
    content, path = CONTENTS[name], tmp_path / "file"
    if size == 1 and len(content) > BLOCK:
        content = content[: 2 * size + 100]
    with open_to_write(path) as file:
        writer = DigestingWriter(file)
        for start in range(0, len(content), size):
            part = memoryview(content)[start : start + size]
            assert writer.write(part) == len(part)
        writer.finish()
    assert path.read_bytes() == content
    assert writer.sha256 == sha256(content).hexdigest() == file_sha256(path)


def test_zeros_take_no_space_where_files_may_have_holes(tmp_path: Path) -> None:
    holed, zeros = tmp_path / "holed", tmp_path / "zeros"
    with holed.open("wb") as file:
        file.truncate(64 * BLOCK)
    if os.name == "nt" or holed.stat().st_blocks >= 128 * BLOCK // 512:
        pytest.skip("this file system has no holes")
    with open_to_write(zeros) as file:
        writer = DigestingWriter(file)
        writer.write(b"a" + bytes(64 * BLOCK) + b"b")
        writer.finish()
        os.fsync(file.fileno())
    assert zeros.stat().st_size == 64 * BLOCK + 2
    assert zeros.stat().st_blocks * 512 <= 3 * BLOCK


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with pytest.raises(OSError, match="No space left"), open("/dev/full", "wb", buffering=0) as file:
        DigestingWriter(file).write(b"a" * BLOCK)  # type: ignore[arg-type]  # raw, so that the error comes at once
