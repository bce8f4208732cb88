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


def _format_2(members: Members) -> Members:
    """Without files of components."""
    return _manifest_of(2, members)


def _format_3(members: Members) -> Members:
    """Without frozen weights among the files of components."""
    return _manifest_of(3, members)


def _format_4(members: Members) -> Members:
    """With each of equal frozen weights."""
    return _manifest_of(4, members)


WRITERS: dict[int, Callable[[Members], Members]] = {1: _format_1, 2: _format_2, 3: _format_3, 4: _format_4}
"""For each older format, what puts its manifest before the members of the tiny archive."""


def write_format(path: Path, version: int) -> None:
    """Writes the tiny archive in this format."""
    write_tiny(path)
    members = read_members(path)
    del members["manifest.json"]
    members = WRITERS[version](members) if version < FORMAT else _manifest_of(FORMAT, members)
    path.write_bytes(packed(tar(members)))


def _manifest_of(version: int, members: Members) -> Members:
    plugins = json.loads(members["meta.json"])["plugins"]
    manifest = {"format_version": version, "mtlkit": "0.1", "plugins": plugins, "members": _facts(members)}
    return {"manifest.json": json.dumps(manifest, indent=2).encode(), **members}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, FORMAT + 1):
        write_format(folder / f"format-{number}.tar.gz", number)
