"""Writes which files `make` installs: all versions into constraints.txt, and the hashes for this platform into locks/.

    python release/lock.py

Versions in constraints.txt are kept, and those of packages that it does not name are the newest that fit. To change
one, edit it there and run this. Nothing is installed, but pip asks the one package without a wheel (seqeval) what it
needs, which runs its setup.py.

torch is not among them, as its wheels without CUDA, which some indexes have, and with CUDA are two files of one
version: `make` installs that of torch-cpu.txt, or else of torch.txt. After a change of version, change both by hand.
"""

import json
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS, CONSTRAINTS = ROOT / "locks", ROOT / "constraints.txt"
PLATFORM = f"{sysconfig.get_platform()}-cp{sys.version_info[0]}{sys.version_info[1]}"
BUILD_TOOLS = ["hatchling>=1.26", "editables", "setuptools", "setuptools_scm", "wheel"]
"""What builds mtlkit, its plugins and seqeval."""
PLUGINS = ["plugins/mtlkit-gated", "plugins/mtlkit-transformers"]
HEADER = "# Made by release/lock.py: the files that `make` installs{where}, by their hashes.\n"
Package = tuple[str, str, str]


def resolved(requirements: list[str]) -> list[Package]:
    """Names, versions and SHA-256 of what pip would install into an empty environment."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        options = ["--report", str(report), "--constraint", str(CONSTRAINTS), *requirements]
        subprocess.run([*command, *options], check=True, cwd=ROOT)
        return sorted(map(_package, json.loads(report.read_text())["install"]), key=lambda one: one[0].lower())


def _package(item: dict[str, Any]) -> Package:
    about, archive = item["metadata"], item["download_info"].get("archive_info", {})
    # A local version, such as torch's 2.13.0+cpu, is that of one index only.
    return about["name"], about["version"].partition("+")[0], archive.get("hashes", {}).get("sha256", "")


def write_lock(path: Path, packages: Iterable[Package], where: str = "") -> None:
    """Writes packages in the form that `pip install --require-hashes` takes. Those without a hash are mtlkit's own."""
    lines = [f"{name}=={version} \\\n    --hash=sha256:{sha256}\n" for name, version, sha256 in packages if sha256]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER.format(where=where) + "".join(lines), encoding="ascii")


def write_constraints(packages: Iterable[Package]) -> None:
    """Completes the versions of constraints.txt. Its comments and torch, of which others follow, stay at the top."""
    before = CONSTRAINTS.read_text(encoding="ascii").splitlines()
    top = [line for line in before if line.startswith(("#", "torch=="))]
    versions = {re.sub("[-_.]+", "-", line.partition("==")[0]).lower(): line for line in before if line not in top}
    for name, version, sha256 in packages:
        if sha256 and name != "torch":
            versions[re.sub("[-_.]+", "-", name).lower()] = f"{name}=={version}"
    CONSTRAINTS.write_text("\n".join([*top, *(versions[key] for key in sorted(versions))]) + "\n", encoding="ascii")


def main() -> None:
    tools = resolved(BUILD_TOOLS)
    run = resolved(["--editable", "."])
    dev = resolved([part for each in (".[dev]", *PLUGINS) for part in ("--editable", each)])
    write_constraints([*tools, *dev])
    write_lock(LOCKS / "build.txt", tools, " to build mtlkit")
    run, dev = ([one for one in packages if one[0] != "torch"] for packages in (run, dev))
    write_lock(LOCKS / PLATFORM / "run.txt", run, " to run mtlkit")
    write_lock(LOCKS / PLATFORM / "dev.txt", dev, " to develop mtlkit")


if __name__ == "__main__":
    main()
