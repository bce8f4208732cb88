"""Values of options: JSON, or else text."""

import math
from typing import Any

import pytest

from mtlkit.config import parse_value
from mtlkit.config.json_text import NotJson, parse_json
from mtlkit.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", 0.1), ("true", True), ("null", None), ("[1, 2]", [1, 2]), ('"13"', "13"), ('{"a": {}}', {"a": {}})],
)
def test_json_is_json(text: str, value: Any) -> None:
    found = parse_value(text, "-o x")
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["direct", "", "many", "a=b", "^sharing", "data/a.tsv", "1e", "v1.0", "3 apples", "NaN"]
)
def test_anything_else_is_text(text: str) -> None:
    assert type(parse_value(text, "-o x")) is str and parse_value(text, "-o x") == text


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("{type: 'x'}", 'write it as JSON: {"type": "x"}'),
        ("{ a: [1, 2,], }", 'write it as JSON: {"a": [1, 2]}'),
        ("['a', 'b']", 'write it as JSON: ["a", "b"]'),
        ("[1 + 1]", "write it as JSON: [2]"),
        ("True", "write it as JSON: true"),
        ("None", "write it as JSON: null"),
        ("{'a': None}", 'write it as JSON: {"a": null}'),
        (".5", "write it as JSON: 0.5"),
        ("1_000", "write it as JSON: 1000"),
        ("'é'", 'write it as JSON: "é"'),
        ('{"type": "x', "write it as JSON, with names and texts between double quotes"),
        ("{type: x}", "write it as JSON, with names and texts between double quotes"),
        ("[a-z]+", "write it as JSON, with names and texts between double quotes"),
        ("[importstr '/etc/passwd']", "write it as JSON, with names and texts between double quotes"),
    ],
)
def test_what_looks_like_json_says_how_to_write_it(text: str, remedy: str) -> None:
    """It is a text all the same, since a pattern may look like this."""
    found = parse_value(text, "-o x")
    assert isinstance(found, NotJson) and found == text and found.remedy().startswith(remedy)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"b": {"a": 1, "a": 1}}]'])
def test_a_key_is_given_once(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^-o x: key 'a' is given twice in one object; keep one of them$"):
        parse_value(text, "-o x")


def test_no_number_is_other_than_finite() -> None:
    for text in ("NaN", "Infinity", "-Infinity", "[NaN]"):
        assert isinstance(parse_value(text, "-o x"), str)
    assert math.isinf(parse_value("1e999", "-o x")), "validation refuses it, where a number is wanted"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("more", ["", ', "199999": 1'])
def test_an_object_of_200_000_keys_is_read_at_once(more: str) -> None:
    """Comparing each key with all others would take hours."""
    text = "{" + ", ".join(f'"{number}": 0' for number in range(200_000)) + more + "}"
    if more:
        with pytest.raises(ConfigError, match="key '199999' is given twice"):
            parse_json(text, "a.json")
    else:
        assert len(parse_json(text, "a.json")) == 200_000
