"""States of texts that a frozen encoder computed, kept in the cache and mapped into memory.

    $MTLKIT_CACHE/encoder-states/DIGEST/NAME.states   numbers, one text after another
    $MTLKIT_CACHE/encoder-states/DIGEST/NAME.index    for each text its digest, where its states begin, and how many

A process appends to a pair of files of its own and reads those of all. The index is written after the states, so that a
process that is killed leaves at most states that nothing points to. Files may be deleted at any time.
"""

import os
import secrets
import weakref
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import BinaryIO, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtlkit.files import PRIVATE, open_to_write
from mtlkit.files.ownership import check_ownership, own_folder

RECORD = np.dtype([("key", "S32"), ("start", "<u8"), ("words", "<u8")])
"""An entry of an index: a text's digest in hexadecimal, and the place of its states in units of one word's states."""
KEPT_AS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def key_of(pieces_TC: Tensor, segments_T: Tensor | None = None) -> bytes:
    """Returns a digest of a text: of its pieces, 0 where there is none, and of the segments of a pair."""
    digest = blake2b(np.array(pieces_TC.shape, np.int64).tobytes(), digest_size=16)
    for part in (pieces_TC, segments_T):
        if part is not None:
            digest.update(part.to("cpu", torch.int32).contiguous().numpy().tobytes())
    return digest.hexdigest().encode()


def machine(device: torch.device) -> list[str | int]:
    """All that the last bits of states depend on besides the encoder, so that a run never depends on the cache."""
    import transformers

    versions = [torch.__version__, transformers.__version__]
    if device.type == "cuda":
        return [*versions, torch.cuda.get_device_name(device), torch.get_float32_matmul_precision()]
    return [*versions, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()]


def padded(texts: Sequence[Tensor], mask_BT: Tensor) -> Tensor:
    """Returns the states of texts, which are on the CPU, as one tensor (B, T, ...) on the device of `mask_BT`."""
    on_gpu = mask_BT.device.type == "cuda"  # pinned, they are copied there while the host goes on
    found = torch.zeros(*mask_BT.shape, *texts[0].shape[1:], dtype=texts[0].dtype, pin_memory=on_gpu)
    for row, states in zip(found, texts, strict=True):
        row[: len(states)] = states
    return found.to(mask_BT.device, non_blocking=True)


@final
class KeptStates:
    """The states of texts by their pieces, for any number of threads.

    Args:
        folder: a folder for these states alone: of one encoder and one way to use it.
        shape: the shape of a word's states.
        precision: `float32`, or `bfloat16`, which takes half the space and keeps 8 bits of each number.

    Raises:
        DataError: others can write to the folder.
        OSError: it cannot be read or made.
    """

    def __init__(self, folder: Path, shape: Sequence[int], precision: str) -> None:
        self._shape, self._type = tuple(shape), KEPT_AS[precision]
        self._width = int(np.prod(self._shape)) * self._type.itemsize
        self._folder = own_folder(folder)
        self._places: dict[bytes, tuple[int, int, int]] = {}
        self._files: list[Path] = []
        self._maps: dict[int, NDArray[np.uint8]] = {}
        self._own: tuple[int, BinaryIO, BinaryIO] | None = None
        self._process, self._writing = 0, Lock()
        self._end, self._records = 0, 0
        for index in sorted(self._folder.glob("*.index")):
            self._read(index)

    def __contains__(self, key: bytes) -> bool:
        """Whether a text is kept. Its states stay readable from then on, also if their file is deleted."""
        place = self._places.get(key)
        if place is None or self._is_mapped(*place):
            return place is not None
        try:
            # Copy on write, since a tensor may not be read-only.
            self._maps[place[0]] = np.memmap(self._files[place[0]], np.uint8, "c")
        except (OSError, ValueError):  # the file has been deleted or emptied
            return False
        return self._is_mapped(*place)

    def get(self, key: bytes) -> Tensor:
        """Returns the states (T, ...) of a text that is kept. Raises KeyError if it is not."""
        if key not in self:
            raise KeyError(key)
        file, start, words = self._places[key]
        found = torch.from_numpy(self._maps[file][start * self._width : (start + words) * self._width])
        return found.view(self._type).view(words, *self._shape)

    def put(self, key: bytes, states: Tensor) -> None:
        """Keeps the states (T, ...) of a text, unless they are kept already.

        Raises:
            OSError: the disk is full.
        """
        if not len(states):
            return
        with self._writing:
            if key not in self:
                self._append(key, states)

    def _is_mapped(self, file: int, start: int, words: int) -> bool:
        return file in self._maps and len(self._maps[file]) >= (start + words) * self._width

    def _append(self, key: bytes, states: Tensor) -> None:
        number, data, index = self._own if self._own and self._can_append(self._own[0]) else self._begin()
        start = self._end
        data.seek(start * self._width)  # what a full disk has cut short is written over
        data.write(states.detach().to("cpu", self._type).contiguous().view(torch.uint8).numpy().tobytes())
        data.flush()
        index.seek(self._records * RECORD.itemsize)
        index.write(np.array([(key, start, len(states))], RECORD).tobytes())
        index.flush()
        self._end, self._records = start + len(states), self._records + 1
        self._places[key] = (number, start, len(states))

    def _can_append(self, file: int) -> bool:
        """Whether the files are this process's own, and not those of one that it was forked from, and still there."""
        return self._process == os.getpid() and self._files[file].exists()

    def _begin(self) -> tuple[int, BinaryIO, BinaryIO]:
        """Creates the files of this process."""
        name = secrets.token_hex(8)
        self._folder = own_folder(self._folder)
        self._process, self._end, self._records = os.getpid(), 0, 0
        paths = self._folder / f"{name}.states", self._folder / f"{name}.index"
        data, index = (open_to_write(path, mode=PRIVATE) for path in paths)
        for file in (data, index):
            weakref.finalize(self, file.close)
        self._files.append(paths[0])
        self._own = len(self._files) - 1, data, index
        return self._own

    def _read(self, index: Path) -> None:
        """Adds the texts of another process, as far as their states are whole."""
        data = index.with_suffix(".states")
        if not data.is_file():
            return
        check_ownership(index, data)
        content, size = index.read_bytes(), data.stat().st_size
        self._files.append(data)
        for key, start, words in np.frombuffer(content[: len(content) // RECORD.itemsize * RECORD.itemsize], RECORD):
            if (int(start) + int(words)) * self._width <= size:
                self._places[bytes(key)] = (len(self._files) - 1, int(start), int(words))
