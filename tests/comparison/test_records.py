"""Runs and results as records, and records as systems."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlkit.comparison import RunRecord, read_record, systems_of
from mtlkit.errors import RunError
from mtlkit.runs.basis import basis_of

MakeRun = Callable[..., Path]
RIGHT = {"books": "+++++-----"}


def result(path: Path, *arguments: str, seed: int = 13, limit: int | None = None) -> Path:
    """A file as docs/results/collect.py makes it."""
    metrics = {"dev": {"books/accuracy": 0.5}, "test": {"books/accuracy": 0.6}}
    kept = {
        "arguments": ["train", *arguments],
        "seed": seed,
        "limit": limit,
        "data": {"a.tsv": "1"},
        "metrics": metrics,
    }
    path.write_text(json.dumps(kept))
    return path


@pytest.mark.parametrize(
    ("path", "seed", "name"),
    [
        ("runs/ic-13", 13, "ic"),
        ("runs/ic_seed13", 13, "ic"),
        ("runs/ic-s13", 13, "ic"),
        ("runs/ic.seed-13", 13, "ic"),
        ("runs/ic/13", 13, "ic"),
        ("runs/ic/seed-13", 13, "ic"),
        ("runs/ic-13.json", 13, "ic"),
        ("runs/ic-113", 13, "ic-113"),
        ("runs/conll2000", 2000, "conll2000"),
        ("runs/ic", 13, "ic"),
    ],
)
def test_a_system_is_called_as_its_run_less_the_seed(path: str, seed: int, name: str) -> None:
    assert RunRecord(Path(path), seed, {}, basis_of({}, None), None, "").name == name


def test_runs_that_differ_in_their_seeds_alone_are_one_system(make_run: MakeRun) -> None:
    runs = [make_run(name, seed, RIGHT) for name, seed in (("ic-1", 1), ("fs-1", 1), ("ic-2", 2))]
    limited = make_run("ic-3", 3, RIGHT, limit=100)
    systems = systems_of([read_record(run) for run in [*runs, limited]])
    assert [[run.seed for run in system.runs] for system in systems] == [[1, 2], [1], [3]]
    assert [system.name for system in systems][1] == str(runs[1])  # two are called ic, so all go by their paths
    assert [system.name for system in systems_of([read_record(run) for run in runs], ["IC", "FS"])] == ["IC", "FS"]


def test_kept_results_are_one_system_if_their_commands_are_but_for_the_seed(tmp_path: Path) -> None:
    files = [
        result(tmp_path / "ic-1.json", "ic.jsonnet", "-o", "seed=1", "-o", "trainer.epochs=2", seed=1),
        result(tmp_path / "ic-2.json", "ic.jsonnet", "-o", "seed=2", "-o", "trainer.epochs=2", seed=2),
        result(tmp_path / "long-2.json", "ic.jsonnet", "-o", "seed=2", "-o", "trainer.epochs=20", seed=2),
        result(tmp_path / "ic.json", "ic.jsonnet", "-o", "trainer.epochs=2"),
    ]
    systems = systems_of([read_record(file) for file in files])
    assert [(system.name, len(system.runs)) for system in systems] == [("ic", 3), ("long", 1)]
    assert systems[0].runs[0].figures["test"] == {"books/accuracy": 0.6}


def test_what_cannot_be_compared_is_told(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("ic-1", 1, RIGHT)
    twin = make_run("other-1", 1, RIGHT, settings="ic")
    with pytest.raises(RunError, match=r"other-1: same experiment and seed 1 as .*ic-1; give one of them"):
        systems_of([read_record(run), read_record(twin)])
    with pytest.raises(RunError, match="--name: 2 names for 1 systems, ic; give one for each"):
        systems_of([read_record(run)], ["a", "b"])
    with pytest.raises(RunError, match="--name: two systems have the same name"):
        systems_of([read_record(run), read_record(make_run("fs-1", 1, RIGHT))], ["a", "a"])
    (twin / "metrics.json").unlink()
    with pytest.raises(RunError, match=r"other-1: its run is not finished; go on with it by mtlkit train ... --resume"):
        read_record(twin)
    with pytest.raises(RunError, match="is not a run; give a run's directory"):
        read_record(tmp_path)
    (tmp_path / "archive.tar.gz").write_bytes(b"")
    with pytest.raises(RunError, match="is an archive, which keeps no figures; give the run's directory"):
        read_record(tmp_path / "archive.tar.gz")
    (tmp_path / "list.json").write_text("[1]")
    for path in (tmp_path / "list.json", tmp_path / "nowhere"):
        with pytest.raises(RunError, match=f"{path.name}: (holds|is) no"):
            read_record(path)
