"""The runner of whole tables: what it starts, and the page that it makes of results."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

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
