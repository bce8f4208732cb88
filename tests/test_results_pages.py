"""The pages of results are those of the results, and the findings quote them."""

import csv
import importlib
import io
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "experiments"))
    return importlib.import_module("pages_of_results")


def test_the_committed_files_are_made_of_the_results(pages: ModuleType) -> None:
    for name, content in pages.contents():
        assert (RESULTS / name).read_bytes() == content, f"{name}: run python experiments/pages_of_results.py"


def test_every_row_of_all_results_says_what_it_is_of() -> None:
    rows = list(csv.DictReader(io.StringIO((RESULTS / "all.csv").read_text(encoding="utf-8"))))
    names = [tuple(row[key] for key in ("table", "system", "seed", "task", "metric")) for row in rows]
    assert all(all(name) for name in names) and len(set(names)) == len(names)
    assert all(0 <= float(row[key]) <= 1 for row in rows for key in ("test", "clean_test", "dev") if row[key])
    columns = set(rows[0])
    described = set(re.findall(r"^\| `(\w+)` \|", (RESULTS / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert described == columns
    (found,) = [row for row in rows if names[rows.index(row)] == ("fdu", "ic", "14", "average", "accuracy")]
    page = (RESULTS / "fdu.md").read_text(encoding="utf-8")
    assert float(found["dev"]) > 0.8 and "87.14 ± 0.36" in page


def test_the_findings_quote_intervals_that_stand_on_a_page() -> None:
    """`+2.2 [1.2, 3.3]` in the README, word for word on the page of claims."""
    readme = (RESULTS / "README.md").read_text(encoding="utf-8")
    claims = (RESULTS / "claims.md").read_text(encoding="utf-8")
    findings = readme[readme.index("## Findings") : readme.index("## The effect of")]
    quoted = re.findall(r"[+-]\d+\.\d \[-?\d+\.\d, -?\d+\.\d\]", findings)
    assert len(quoted) > 20 and findings.count("[") - findings.count("](") == len(quoted)
    assert [each for each in quoted if each not in claims] == []


def test_a_verdict_follows_from_the_sign_and_the_corrected_p_value(pages: ModuleType) -> None:
    table = pages.claims_table
    gain, loss = table.Gain(0.02, 0.01, 0.03, 0.001), table.Gain(-0.02, -0.03, -0.01, 0.001)
    three = ("a", "b", "fdu", "3 / 3")
    assert table.Finding(*three, gain, None, "seeds, tasks").verdict(0.01) == "**holds**"
    assert table.Finding(*three, loss, None, "seeds, tasks").verdict(0.01) == "**the reverse**"
    assert table.Finding(*three, gain, None, "seeds, tasks").verdict(0.05) == "undecided"
    assert table.Finding(*three, gain, None, "seeds, tasks", 3.1).verdict(0.2) == "undecided; less than printed"
    assert table.Finding(*three, gain, None, "seeds, tasks", 2.9).verdict(0.2) == "undecided"
    assert table.Finding("a", "b", "fdu", "1 / 3", gain, None, "texts").verdict(0.01) == "**holds**, one seed"


def test_a_page_of_gains_is_read_as_it_was_written(pages: ModuleType) -> None:
    text_gains = importlib.import_module("text_gains")
    found = text_gains.gains_of_page(RESULTS / "ewt_controls-gains.md")
    standard, clean = found["fixed_0_1", "pool"]
    assert (standard.gain, standard.low, standard.high, standard.p) == pytest.approx((-0.0154, -0.0198, -0.0108, 0.001))
    assert (clean.gain, clean.p) == pytest.approx((-0.0156, 0.001))
    assert ("pool", "pool") not in found and found["fs", "pool"][0].p == pytest.approx(0.555)
