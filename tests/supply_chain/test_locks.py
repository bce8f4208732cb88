"""What `make` installs is known to the byte, and a release says what it is made of."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from release.bill_of_materials import bill, locked, normal
from release.lock import BUILD_TOOLS, PLATFORM, write_lock

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "locks").rglob("*.txt"))
HERE = ROOT / "locks" / PLATFORM
needs_lock = pytest.mark.skipif(not HERE.is_dir(), reason="there is no lock for this platform")


def constraints() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines)}


def needed(name: str, extra: str, known: set[str]) -> Iterator[str]:
    """The packages that are installed here for a package, with those of an extra or of all that it names."""
    try:
        requirements = distribution(name).requires or []
    except PackageNotFoundError:
        return  # for another platform, or for an extra that nobody asks for
    known.add(normal(name))
    yield normal(name)
    for requirement in requirements:
        if (only := re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)) and only[1] != extra:
            continue
        match = re.match(r"([\w.-]+)(?:\[[\w,-]+\])?", requirement)
        assert match is not None
        if normal(match[1]) not in known:
            yield from needed(match[1], "", known)


def test_constraints_name_every_package_that_is_installed() -> None:
    """But for what torch needs on a machine with CUDA: it names the versions itself."""
    known: set[str] = set()
    extras = ("dev", "postgresql", "report", "spacy", "sweep", "tensorboard")
    found = {name for extra in extras for name in needed("mtlkit", extra, known - {"mtlkit"})}
    assert len(found) > 50 and "alembic" in found
    missing = found - {"mtlkit"} - set(constraints())
    assert [name for name in missing if not name.startswith(("nvidia-", "cuda-", "triton"))] == []
    assert {normal(re.split("[>=]", tool)[0]) for tool in BUILD_TOOLS} <= set(constraints())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: "/".join(path.parts[-2:]))
def test_every_locked_package_has_a_hash_and_the_version_of_the_constraints(lock: Path) -> None:
    packages, versions = locked(lock), constraints()
    assert packages
    for name, (version, hashes) in packages.items():
        assert version == versions[name], name
        assert hashes and all(re.fullmatch("[0-9a-f]{64}", each) for each in hashes), name


@needs_lock
def test_the_two_wheels_of_torch_are_of_one_version() -> None:
    """One file with both hashes would have pip take that of the index with hashes, however large."""
    cpu, cuda = (locked(HERE / name)["torch"] for name in ("torch-cpu.txt", "torch.txt"))
    assert cpu[0] == cuda[0] and len(cpu[1]) == len(cuda[1]) == 1 and cpu[1] != cuda[1]
    assert "+cpu " in (HERE / "torch-cpu.txt").read_text()
    assert locked(HERE / "torch-cpu.txt", HERE / "torch.txt")["torch"] == (cpu[0], [*cpu[1], *cuda[1]])


@needs_lock
def test_what_is_run_is_developed_with() -> None:
    run, dev = locked(HERE / "run.txt"), locked(HERE / "dev.txt")
    assert run.items() <= dev.items() and "safetensors" in run and "torch" not in dev


@needs_lock
@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_installs_nothing_without_a_hash() -> None:
    """The second step of each target installs mtlkit itself, for which all that it needs is there, with its builder."""
    command = ["make", "--dry-run", "--always-make", ".venv/.installed-dev", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    installs = [line for line in done.stdout.splitlines() if "pip" in line]
    hashed = [line for line in installs if "--require-hashes" in line]
    locks = [re.findall(r"([\w-]+\.txt)", line) for line in hashed]
    assert locks == [["build.txt"], ["run.txt"], ["torch-cpu.txt", "torch.txt"], ["dev.txt"]]
    assert all(line.count("--require-hashes") == len(names) for line, names in zip(hashed, locks, strict=True))
    assert all("--no-build-isolation" in line for line in installs) and len(installs) == 6


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_without_a_lock_keeps_to_the_constraints() -> None:
    command = ["make", "--dry-run", "--always-make", ".venv/.installed-dev", "LOCK=", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    installs = [line for line in done.stdout.splitlines() if "pip" in line]
    assert len(installs) == 2 and all("--constraint constraints.txt" in line for line in installs)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "mtlkit-0.1.0-py3-none-any.whl"
    path.write_bytes(b"a wheel")
    return path


def test_a_bill_of_materials_lists_all_with_hashes_and_what_needs_what(wheel: Path, tmp_path: Path) -> None:
    names = ("jinja2", "MarkupSafe", "rich", "pygments")
    lock = tmp_path / "lock.txt"
    packages = [(name, distribution(name).version, f"{number:064x}") for number, name in enumerate(names)]
    write_lock(lock, [*packages, ("mtlkit", "0.1.0", "")])
    found = bill(wheel, lock)
    assert [(each["name"], each["version"], each["hashes"][0]["content"]) for each in found["components"]] == [
        (normal(name), version, sha256) for name, version, sha256 in packages
    ]
    needs = {each["ref"]: each["dependsOn"] for each in found["dependencies"]}
    references = {each["name"]: each["bom-ref"] for each in found["components"]}
    assert needs[references["jinja2"]] == [references["markupsafe"]]
    assert needs[found["metadata"]["component"]["bom-ref"]] == [references["rich"]]
    assert {one for all_of in needs.values() for one in all_of} <= set(references.values())
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6") and found == bill(wheel, lock)
    assert json.loads(json.dumps(found)) == found


def test_a_bill_of_other_versions_than_those_installed_is_refused(wheel: Path, tmp_path: Path) -> None:
    write_lock(tmp_path / "lock.txt", [("jinja2", "0.1", "0" * 64)])
    with pytest.raises(SystemExit, match=r": has jinja2 0\.1, but .* is installed"):
        bill(wheel, tmp_path / "lock.txt")
