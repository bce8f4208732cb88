"""The table of benchmarks is current. What is fast is measured in benchmarks/, not here."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def render() -> ModuleType:
    spec = importlib.util.spec_from_file_location("render", ROOT / "benchmarks" / "render.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_made_from_the_kept_results(render: ModuleType) -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    found = render.results(ROOT / "benchmarks" / "results")
    assert render.rendered(page, found) == page, "run: python benchmarks/render.py"


def test_the_cost_model_on_its_page_is_the_kept_result(render: ModuleType) -> None:
    page = render.COST_PAGE.read_text(encoding="utf-8")
    made = render.results(ROOT / "benchmarks" / "results")["cost_model"]["page"]
    assert render.between_markers(page, made, render.COST_PAGE) == page, "run: python benchmarks/render.py"


def test_every_row_is_in_the_table(render: ModuleType) -> None:
    machine = {"processor": "p", "cores": 2, "torch": "2.13", "made": "2026-01-02T03:04:05", "accelerator": None}
    row = {"what": "w|x", "case": "c", "target": ">= 2x", "reached": "3x", "verdict": "pass"}
    over = {**row, "what": "w", "floor": "1.5x 2 ms"}
    found = {"crf": {"machine": machine, "rows": [row, over]}, "old": {"machine": machine}}
    page = render.rendered(f"above\n{render.BEGIN}\nstale\n{render.END}\nbelow\n", found)
    assert page.startswith(f"above\n{render.BEGIN}\n") and page.endswith(f"{render.END}\nbelow\n")
    # What was measured before floors were has none.
    assert "| w\\|x | c | >= 2x | 3x | pass |  | crf |\n| w | c | >= 2x | 3x | pass | 1.5x 2 ms | crf |" in page
    assert "stale" not in page and "p, 2 cores, torch 2.13, 2026-01-02: crf." in page and "Without rows: old." in page
    assert render.rendered(page, found) == page


def test_curves_are_drawn(render: ModuleType) -> None:
    points = {"2": {"median": 20.348}, "16": {"median": 105.96}}
    drawn = render.curves({"scaling": {"curves": [{"curve": "direct, K", "rest": "T=60", "milliseconds": points}]}})
    assert 'title "direct (T=60)"' in drawn and 'x-axis "K" [2, 16]' in drawn
    assert "0 --> 117" in drawn and "line [20.35, 106]" in drawn
