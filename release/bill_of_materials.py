"""Writes the bill of materials of a release (CycloneDX 1.6, JSON): mtlkit and all it needs, with versions and hashes.

    python release/bill_of_materials.py WHEEL OUTPUT LOCK ...

What needs what is taken from the packages installed here, which have to be those of the locks.
"""

import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

NAME = re.compile(r"^[A-Za-z0-9._-]+")


def locked(*locks: Path) -> dict[str, tuple[str, list[str]]]:
    """Versions and SHA-256 by the name of the package. A local version, such as 2.13.0+cpu, is another file of it."""
    found: dict[str, tuple[str, list[str]]] = {}
    for lock in locks:
        text = lock.read_text(encoding="ascii").replace("\\\n", " ")
        for first, *hashes in (line.split() for line in text.splitlines() if line and not line.startswith("#")):
            name, _, version = first.partition("==")
            known = found.setdefault(normal(name), (version.partition("+")[0], []))
            known[1].extend(each.removeprefix("--hash=sha256:") for each in hashes)
    return found


def normal(name: str) -> str:
    """The name of a package in the form that is the same for all spellings."""
    return re.sub(r"[-_.]+", "-", name).lower()


def component(name: str, version: str, hashes: list[str]) -> dict[str, Any]:
    """A package. Several hashes are those of files of which any may be installed."""
    reference = f"pkg:pypi/{normal(name)}@{version}"
    found: dict[str, Any] = {"type": "library", "bom-ref": reference, "name": name, "version": version}
    if (licence := licence_of(distribution(name))) is not None:
        found["licenses"] = [{"license": {"name": licence}}]
    return found | {"hashes": [{"alg": "SHA-256", "content": each} for each in hashes], "purl": reference}


def licence_of(package: Distribution) -> str | None:
    """What a package says of its licence in a line: its expression, or its classifiers."""
    about = package.metadata
    if expression := about.get("License-Expression"):
        return str(expression)
    classifiers = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier", []) if each.startswith("License")]
    return ", ".join(classifiers) or None


def needed_by(name: str, known: dict[str, Any]) -> Iterator[str]:
    """The packages of the lock that a package needs without any extra."""
    for requirement in distribution(name).requires or []:
        match = NAME.match(requirement)
        if match and normal(match[0]) in known and "extra ==" not in requirement:
            yield normal(match[0])


def bill(wheel: Path, *locks: Path) -> dict[str, Any]:
    """Returns the bill of materials of a wheel of mtlkit.

    Raises:
        SystemExit: another version is installed than the locks have.
    """
    packages = locked(*locks)
    for name, (version, _) in packages.items():
        if (here := distribution(name).version.partition("+")[0]) != version:
            sys.exit(f"{locks[0].parent}: has {name} {version}, but {here} is installed; use an environment of `make`")
    own = component("mtlkit", wheel.name.split("-")[1], [hashlib.sha256(wheel.read_bytes()).hexdigest()])
    components = {name: component(name, version, hashes) for name, (version, hashes) in packages.items()}
    references = {name: each["bom-ref"] for name, each in components.items()} | {"mtlkit": own["bom-ref"]}
    dependencies = [
        {"ref": reference, "dependsOn": sorted({references[each] for each in needed_by(name, components)})}
        for name, reference in references.items()
    ]
    content = {
        "metadata": {"component": own},
        "components": list(components.values()),
        "dependencies": dependencies,
    }
    # Of the content, and without a time, so that the same release has the same bill.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1}
    return head | content


if __name__ == "__main__":
    given_wheel, output, *given_locks = map(Path, sys.argv[1:])
    output.write_text(json.dumps(bill(given_wheel, *given_locks), indent=1) + "\n", encoding="utf-8")
