"""Writing of large files that are to be known by their digests, such as the state of a training."""

import hashlib
from typing import BinaryIO, final

BLOCK = 2**18
"""Bytes that are looked at together; a multiple of the blocks of all file systems."""
_ZEROS = bytes(BLOCK)


@final
class DigestingWriter:
    """Computes the sha256 of what is written to a new file, and leaves zeros out where file systems allow holes.

    Reading the file again for its digest would cost the kernel another copy of it. Holes are read as zeros, so the file
    has the same content, and they take neither memory nor disk: an optimizer's numbers about words that training never
    meets are all zeros.

        with open_to_write(path) as file:
            writer = DigestingWriter(file)
            torch.save(state, writer)
            writer.finish()
        digest = writer.sha256

    Args:
        file: an empty file, open for writing, that nothing else writes to.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._end = 0

    @property
    def sha256(self) -> str:
        """The digest of what has been written so far, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, content: bytes | bytearray | memoryview) -> int:
        """Appends bytes and returns their number. Raises OSError as the file does."""
        view = memoryview(content).cast("B")
        self._digest.update(view)
        begun = start = 0  # what is between them is still to be written
        while start < len(view):
            end = min(len(view), start + BLOCK - (self._end + start) % BLOCK)
            if _is_empty(view[start:end]):
                self._file.write(view[begun:start])
                self._file.seek(end - start, 1)
                begun = end
            start = end
        self._file.write(view[begun:])
        self._end += len(view)
        return len(view)

    def flush(self) -> None:
        """Flushes the file."""
        self._file.flush()

    def finish(self) -> None:
        """Gives the file its length, also where it ends with zeros. Raises OSError as the file does."""
        self._file.flush()
        self._file.truncate(self._end)


def _is_empty(block: memoryview) -> bool:
    """Whether a whole block is zeros. Its ends are compared first, since most blocks need no more."""
    return len(block) == BLOCK and block[0] == 0 == block[-1] and bytes(block) == _ZEROS
