"""Files that are meant by names that do not exist."""

from pathlib import Path

import pytest

from mtlkit.config import near_file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("my.jsonnet", "my.md", "deep/inner/other.jsonnet", "runs/one/archive.tar.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "my").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def is_experiment(path: Path) -> bool:
    return path.suffix == ".jsonnet" and path.is_file()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("my.jsonet", "my.jsonnet"),
        ("my.json", "my.jsonnet"),
        ("my", "my.jsonnet"),  # a folder of this name is there as well
        ("./my.jsonet", "my.jsonnet"),
        ("../{folder}/my.jsonet", "../{folder}/my.jsonnet"),
        ("deep/iner/other.jsonnet", "deep/inner/other.jsonnet"),
        ("dep/inner/other.jsonnet", "deep/inner/other.jsonnet"),
        ("deep/inner/othr.jsonnet", "deep/inner/other.jsonnet"),
    ],
)
def test_one_part_may_be_misspelt(folder: Path, given: str, meant: str) -> None:
    given, meant = given.format(folder=folder.name), meant.format(folder=folder.name)
    assert near_file(Path(given), is_experiment) == f"; did you mean '{meant}'?"


@pytest.mark.parametrize(
    "given", ["zebra.jsonnet", "my.mdd", "dep/iner/other.jsonnet", "", "/", "my.jsonnet/x", "a\0b"]
)
def test_nothing_is_made_up(folder: Path, given: str) -> None:
    assert near_file(Path(given), is_experiment) == ""


def test_only_what_fits_is_proposed(folder: Path) -> None:
    assert near_file(Path("run/one"), lambda path: (path / "archive.tar.gz").is_file()) == "; did you mean 'runs/one'?"
    assert near_file(Path("run/two"), lambda path: (path / "archive.tar.gz").is_file()) == ""
