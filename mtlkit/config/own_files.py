"""What a component may save as files of its own."""

import re
from pathlib import Path

MAX_FILES, MAX_FILES_BYTES = 64, 64 * 2**20
"""Files that a component may have of its own, and bytes of them together."""
FILE_NAME = r"[A-Za-z0-9_-]([A-Za-z0-9_.+-]{0,98}[A-Za-z0-9_+-])?"
"""A plain name, also on Windows: it leads to no other folder and is not hidden."""


def fault_of_files(folder: Path) -> str | None:
    """What is wrong with the files that `Component.save_files` has written, as the end of a sentence; None if all is
    well."""
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
    if (size := sum(file.stat().st_size for file in files)) > MAX_FILES_BYTES:
        return f"writes {size:,} bytes; write at most {MAX_FILES_BYTES >> 20} MiB"
    return None
