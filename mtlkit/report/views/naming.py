"""Names of tasks where only plain letters may stand: in anchors and names of files."""

import re
from collections.abc import Iterable


def slugs(names: Iterable[str]) -> dict[str, str]:
    """Lower-case words with hyphens, another one for every name."""
    found: dict[str, str] = {}
    for name in names:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "task"
        taken = set(found.values())
        number = 2
        while (numbered := slug if slug not in taken else f"{slug}-{number}") in taken:
            number += 1
        found[name] = numbered
    return found
