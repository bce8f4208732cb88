"""What is said of the scores of a sweep."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mtlkit.sweeps.report import Report


def row(*scores: float, complete: bool = True) -> Any:
    return SimpleNamespace(is_complete=complete, values=lambda column: list(scores), finished=[])


@pytest.mark.parametrize(
    ("rows", "number"),
    [
        ([row(0.25, 0.5), row(0.375, 0.375)], 2),
        ([row(0.0), row(0.0), row(0.0), row(0.5, complete=False)], 3),
        ([row(0.0), row(0.1)], None),
        ([row(0.0)], None),
        ([row(0.0), row(0.0, complete=False)], None),
    ],
)
def test_dev_scores_that_are_the_same_choose_no_point(rows: list[Any], number: int | None) -> None:
    notes = Report(cast(Any, None), rows, []).notes
    said = [f"all {number} points have the same score on dev data, which choose none; the first is named"]
    assert notes == (said if number else [])
