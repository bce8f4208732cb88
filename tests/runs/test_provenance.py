"""What a run records of the installed packages: each of them, in the version that is imported."""

import sys
from importlib.metadata import distributions, version
from pathlib import Path

import pytest

from mtlkit.runs import provenance


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts metadata of packages into a folder that comes first on the path of imports."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())

    return write


def test_packages_are_those_that_the_standard_library_finds() -> None:
    names = {package.metadata["Name"] for package in distributions()}
    assert {"torch", "numpy", "mtlkit"} <= names
    assert provenance._packages() == {name: version(name) for name in sorted(names)}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "a_b-2.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: a-b\nVersion: 2.0\n\n# a-b\n\nName: c\nVersion: 3\n",
        ),
        ("a_b-2.0.dist-info/METADATA", "Metadata-Version: 2.1\r\nname:a-b \r\nVERSION:  2.0\r\n\r\nVersion: 3\r\n"),
        ("a_b.egg-info/PKG-INFO", "Name: a-b\nVersion: 2.0\nDescription: of\n        Name: c\n        Version: 3\n"),
        ("a_b-2.0.egg-info", "Name: a-b\nVersion: 2.0\n"),
    ],
    ids=["wheel", "crlf", "egg", "file"],
)
def test_only_fields_count(install, file: str, text: str) -> None:
    before = provenance._packages()
    install(file, text)
    assert provenance._packages() == {**before, "a-b": "2.0"}


def test_the_version_is_that_of_the_package_that_is_imported(install) -> None:
    before = provenance._packages()
    install("numpy-0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n\n")
    assert provenance._packages() == {**before, "numpy": "0.1"} and version("numpy") == "0.1"


def test_what_an_interrupted_installation_has_left_is_no_package(install) -> None:
    before = provenance._packages()
    install("numpy-0.1.dist-info/RECORD", "")
    install("~umpy-0.2.dist-info/METADATA", "")
    assert provenance._packages() == before
