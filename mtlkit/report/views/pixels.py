"""A matrix as a picture so small that it stands in the page by itself.

Shapes: T rows, N columns.
"""

import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY_AND_ALPHA = 4


def picture_of(matrix_TN: Sequence[Sequence[float]]) -> str:
    """A `data:` address of a PNG of N by T pixels, black, as opaque as the numbers say, from 0 to 1."""
    lines = (
        b"\0" + bytes(level for value in row for level in (0, round(255 * min(max(value, 0.0), 1.0))))
        for row in matrix_TN
    )
    header = struct.pack(">IIBBBBB", len(matrix_TN[0]), len(matrix_TN), 8, GREY_AND_ALPHA, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b""))
    content = SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)
    return f"data:image/png;base64,{b64encode(content).decode()}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
