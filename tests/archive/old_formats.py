"""Archives as earlier versions of mtlkit wrote them: a writer of each format's layout.

`python -m tests.archive.old_formats FOLDER` leaves a tiny archive of every format there has been. When the format is
counted up, the writer of the one before joins `WRITERS` here, and its migration joins `MIGRATIONS` in
mtlkit/archive/formats.py.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mtlkit.archive import FORMAT
from tests.soak.tiny_archive import Members, packed, read_members, tar, write_tiny


def _facts(members: Members) -> dict[str, dict[str, Any]]:
    return {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)} for name, content in members.items()
    }


def _format_1(members: Members) -> Members:
    """Until November 2026: `format`, and nothing of who wrote it."""
    plugins = json.loads(members["meta.json"])["plugins"]
    manifest = {"format": 1, "plugins": plugins, "members": _facts(members)}
    return {"manifest.json": json.dumps(manifest, indent=2).encode(), **members}


WRITERS: dict[int, Callable[[Members], Members]] = {1: _format_1}
"""For each older format, what makes its members of today's, which come without a manifest."""


def write_format(path: Path, version: int) -> None:
    """Writes the tiny archive in this format."""
    write_tiny(path)
    if version < FORMAT:
        members = read_members(path)
        del members["manifest.json"]
        for step in range(FORMAT - 1, version - 1, -1):
            members = WRITERS[step](members)
        path.write_bytes(packed(tar(members)))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, FORMAT + 1):
        write_format(folder / f"format-{number}.tar.gz", number)
