"""Points and their names."""

from itertools import combinations

import pytest

from mtlkit.errors import ConfigError
from mtlkit.sweeps import Axis, Grid, Point
from mtlkit.sweeps.points import points_of, refuse_alike


def test_a_grid_has_every_combination():
    grids = [Grid(Axis("hidden", False), (100, 200)), Grid(Axis("a.l2", True), (0, 1e-5, "x"))]
    points = points_of(grids)
    assert [point.name for point in points[:4]] == [
        "hidden=100,a.l2=0",
        "hidden=100,a.l2=1e-05",
        "hidden=100,a.l2=x",
        "hidden=200,a.l2=0",
    ]
    assert len(points) == 6
    assert [point.name for point in points_of([])] == ["base"]


def test_names_are_short_safe_and_different():
    values = [
        "a/b",
        "a_b",
        "a b",
        "../..",
        "ä",
        "a",
        '"a"',
        ["a"],
        {"a": 1},
        1,
        1.0,
        True,
        "1",
        None,
        "x" * 300,
        "x" * 301,
        "",
    ]
    points = [Point({"name": value}) for value in values]
    for point in points:
        assert point.name.isascii() and len(point.name) < 140 and not set(point.name) & set("/\\ \"':*?<>|")
    assert all(one.name.lower() != other.name.lower() for one, other in combinations(points, 2))
    assert Point({"only": ["low", "high"]}).name.startswith("only=low_high-")
    assert Point({"a": "b,c=d"}).name != Point({"a": "b", "c": "d"}).name


def test_points_whose_folders_would_be_one_without_case_are_refused():
    axis = Axis("tasks.a.train", True)
    refuse_alike(points_of([Grid(axis, ("a", "b", "data/a", "data/A", "ä", "Ä"))]))  # the last four have digests
    for values in (("a", "A"), ("b", "Ab", "aB")):
        with pytest.raises(ConfigError, match="differ only in upper and lower case, and folders are named after them"):
            refuse_alike(points_of([Grid(Axis("b", True), (1, 2)), Grid(axis, values)]))
