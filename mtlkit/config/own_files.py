"""Limits on the files that a component may save."""

import re
from pathlib import Path

MAX_FILES, MAX_FILES_BYTES = 64, 64 * 2**20
"""The maximum number of files that one component may save, and the maximum total size in bytes of those that hold no
weights."""
OF_WEIGHTS = ".safetensors"
"""The end of the names of files that may be larger, since they hold frozen weights (`Component.save_frozen`)."""
FILE_NAME = r"[A-Za-z0-9_-]([A-Za-z0-9_.+-]{0,98}[A-Za-z0-9_+-])?"
"""Pattern of valid file names on every system, including Windows: not hidden, and without a path to another folder."""


def fault_of_files(folder: Path) -> str | None:
    """Returns what is wrong with the files that a component wrote, as the end of a sentence, or None."""
    files = sorted(folder.iterdir())
    if not files:
        return "writes no file; write at least one"
    for file in files:
        if file.is_symlink() or not file.is_file():
            return f"writes {file.name!r}, which is not a plain file"
        if not re.fullmatch(FILE_NAME, file.name):
            return f"writes {file.name!r}; use up to 100 letters, digits, '_', '-', '+' and '.' for a name"
    if len(files) > MAX_FILES:
        return f"writes {len(files)} files; write at most {MAX_FILES}"
    if (size := sum(file.stat().st_size for file in files if file.suffix != OF_WEIGHTS)) > MAX_FILES_BYTES:
        return f"writes {size:,} bytes; write at most {MAX_FILES_BYTES >> 20} MiB"
    return None
