"""JSON values by their paths, and what two of them differ in."""

from mtlkit.config import differences, flattened


def test_leaves_go_by_their_paths() -> None:
    value = {"a": {"b": [1, {"c": None}], "d": {}}, "e": [], "f": "x"}
    assert dict(flattened(value)) == {"a.b.0": 1, "a.b.1.c": None, "a.d": {}, "e": [], "f": "x"}
    assert dict(flattened({})) == {}


def test_differences_have_their_place_and_both_values() -> None:
    before = {"same": [1, {"x": 2}], "list": [1, {"y": "a"}, 3], "gone": None, "kind": None}
    after = {"same": [1, {"x": 2}], "list": [1, {"y": "b"}], "kind": {"type": "z"}, "new": 0.5}
    assert [*map(str, differences(before, after))] == [
        'list.1.y (was "a", is "b")',
        "list.2 (was 3, is nothing)",
        "gone (was null, is nothing)",
        'kind (was null, is {"type": "z"})',
        "new (was nothing, is 0.5)",
    ]
    assert differences(before, before) == []


def test_true_is_not_one_and_long_values_are_cut() -> None:
    assert [*map(str, differences({"a": 1}, {"a": True}))] == ["a (was 1, is true)"]
    assert str(differences({"a": "x" * 99}, {"a": 1})[0]) == f'a (was "{"x" * 59}..., is 1)'
