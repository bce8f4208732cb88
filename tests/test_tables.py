"""The runner of whole tables: what it starts, and the page that it makes of results."""

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mtlkit.comparison import read_record
from mtlkit.errors import RunError
from mtlkit.files import open_lock, take_lock

ROOT = Path(__file__).parent.parent


@pytest.fixture
def run_tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "experiments"))
    return importlib.import_module("run_tables")


def result(seed: int, books: float, films: float) -> dict[str, Any]:
    test = {"books/accuracy": books, "films/accuracy": films, "average/accuracy": (books + films) / 2}
    return {
        "seed": seed,
        "device": "cpu",
        "processor": "a processor",
        "created": "2026-01-01T10:00:00+00:00",
        "finished": "2026-01-01T10:06:00+00:00",
        "metrics": {"test": {**test, "average/clean_accuracy": 0.5}, "dev": {"average/accuracy": 0.7}, "epochs": 4},
    }


def test_every_system_is_an_experiment(run_tables: ModuleType) -> None:
    for name, table in run_tables.TABLES.items():
        names = [system.name for system in table.systems]
        assert len(set(names)) == len(names), name
        assert all((ROOT / "experiments" / system.file).is_file() for system in table.systems), name


def test_the_page_has_means_over_seeds_and_tasks(run_tables: ModuleType) -> None:
    table = run_tables.TABLES["fdu"]
    system = table.systems[0]
    rows = [(system, [result(1, 0.8, 0.6), result(2, 0.9, 0.9)])]
    page = "\n".join(importlib.import_module("table_page").lines("fdu", table, rows))
    assert "| 1, 2 | 80.00 ± 14.14 | 50.00 ± 0.00 | 30.00 ± 14.14 | 70.00 ± 0.00 | 4, 4 | 6, 6 | a processor |" in page
    assert "| books | 85.0 |" in page and "| films | 75.0 |" in page and "| average | 80.0 |" in page


def test_what_has_begun_goes_on(run_tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tables, "ROOT", tmp_path)
    row = run_tables.SeededRun("fdu", run_tables.TABLES["fdu"].systems[0], 7, ("trainer.epochs=1",))
    arguments = row.job().arguments
    assert "--resume" not in arguments and arguments[4:8] == ("-o", "seed=7", "-o", "trainer.epochs=1")
    row.run.mkdir(parents=True)
    (row.run / "meta.json").touch()
    assert row.job().arguments[-1] == "--resume"


def test_machines_divide_the_rows(run_tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that another machine is at or has finished is not run here; what has come to its end is kept by all."""
    monkeypatch.setattr(run_tables, "ROOT", tmp_path)
    monkeypatch.setattr(run_tables, "RESULTS", tmp_path / "results")
    monkeypatch.setattr("mtlkit.runs.transfer.queues.LOOK_SECONDS", 0.0)
    kept: list[str] = []
    monkeypatch.setattr(run_tables, "collect", lambda run, result: kept.append(run.name))
    rows = [run_tables.SeededRun("fdu", system, 7, ()) for system in run_tables.TABLES["fdu"].systems[:2]]

    def finish(row: Any) -> None:
        row.run.mkdir(parents=True)
        (row.run / "metrics.json").write_text("{}")
        (row.run / "meta.json").write_text(json.dumps({"kind": "mtlkit run", "finished": "now"}))

    started: list[str] = []

    def run_here(queue: Any, processes: int, say: Any) -> dict[str, int]:
        """The other machine finishes the first row after this one has looked at it."""
        with open_lock(rows[0].run.with_name(f".{rows[0].run.name}.claim")) as other:
            assert take_lock(other)
            job = queue.take()
            started.append(job.name)
            assert queue.take() is None
            finish(rows[0])
        finish(rows[1])
        queue.ended(job)
        assert queue.take() is None and queue.is_over
        return {job.name: 0, **dict.fromkeys(queue.done_elsewhere(), 0)}

    monkeypatch.setattr(run_tables, "run_jobs", run_here)
    rows[0].run.parent.mkdir(parents=True)
    assert run_tables.train(rows, 1, True)
    assert started == [rows[1].run.name] and kept == [row.run.name for row in rows]


def test_runs_have_logs_of_their_own(run_tables: ModuleType) -> None:
    rows = [run_tables.SeededRun("fdu_recipe", system, 1, ()) for system in run_tables.TABLES["fdu_recipe"].systems]
    assert len({row.job().log for row in rows}) == len(rows)


def test_metrics_that_differ_are_not_averaged(run_tables: ModuleType) -> None:
    table = run_tables.TABLES["tagging"]
    run = result(1, 0, 0)
    run["metrics"]["test"] = {"chunk/f1": 0.9, "ner/f1": 0.8, "pos/token_accuracy": 0.7, "average/token_accuracy": 0.1}
    page = "\n".join(importlib.import_module("table_page").lines("tagging", table, [(table.systems[0], [run])]))
    assert "| chunk, f1 | ner, f1 | pos, token_accuracy |" in page
    assert "| 90.00 | 80.00 | 70.00 |" in page and "10.00" not in page


def kept(seed: int, **changes: Any) -> dict[str, Any]:
    """A file as collect.py writes it."""
    about = {"arguments": ["train", "ic.jsonnet"], "limit": None, "data": {"books.tsv": "1"}}
    return {**result(seed, 0.8, 0.6), **about, **changes}


def test_a_page_says_which_runs_had_other_data(run_tables: ModuleType, tmp_path: Path) -> None:
    system = run_tables.TABLES["fdu"].systems[0].name
    (tmp_path / "fdu").mkdir()
    for seed, changes in ((1, {}), (2, {}), (3, {"data": {"books.tsv": "2"}}), (4, {"limit": 2500})):
        (tmp_path / "fdu" / f"{system}-{seed}.json").write_text(json.dumps(kept(seed, **changes)))
    importlib.import_module("table_page").page(tmp_path, "fdu")
    lines = [line for line in (tmp_path / "fdu.md").read_text().splitlines() if "do not compare" in line]
    assert lines == [
        f"{system}-1 and {system}-3: do not compare, since they differ in the file books.tsv.",
        f"{system}-1 and {system}-4: do not compare, since they differ in --limit (none against 2,500).",
    ]


def test_the_committed_pages_are_those_of_the_results(run_tables: ModuleType, tmp_path: Path) -> None:
    results = ROOT / "docs" / "results"
    for name in run_tables.TABLES:
        if (results / name).is_dir():
            (tmp_path / name).symlink_to(results / name)
            importlib.import_module("table_page").page(tmp_path, name)
            assert (tmp_path / f"{name}.md").read_text() == (results / f"{name}.md").read_text()


def test_a_run_that_is_damaged_or_not_finished_is_not_collected(run_tables: ModuleType, tmp_path: Path) -> None:
    run, target = tmp_path / "run", tmp_path / "run.json"
    run.mkdir()
    with pytest.raises(RunError, match="run: is not a run"):
        run_tables.collect(run, target)
    meta = {"kind": "mtlkit run", "seed": 1, "data": {"/here/a.tsv": "1"}, "command": ["mtlkit", "train", "e.json"]}
    identities = {"a": {"train": {"texts": "t", "targets": "g"}}}
    (run / "meta.json").write_text(json.dumps({**meta, "limit": 9, "identities": identities, "finished": "now"}))
    (run / "experiment.resolved.json").write_text(json.dumps({"normalization": "nfc", "tasks": {}}))
    (run / "metrics.jsonl").write_text('{"epoch": 1}\n')
    with pytest.raises(RunError, match="its run is not finished; resume it"):
        run_tables.collect(run, target)
    (run / "metrics.json").write_text(json.dumps({"test": {"a/accuracy": 0.5}, "dev": {}}))
    run_tables.collect(run, target)
    found = read_record(target)
    assert found.basis.settings == {"limit": 9, "normalization": "nfc"}
    assert found.basis.split("a", "train").texts == "t"
    for file in ("metrics.json", "metrics.jsonl", "meta.json", "experiment.resolved.json"):
        before = (run / file).read_bytes()
        (run / file).write_bytes(before[: len(before) // 2])
        with pytest.raises(RunError, match=file):
            run_tables.collect(run, target)
        (run / file).write_bytes(before)
