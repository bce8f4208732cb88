"""JSON of strangers."""

import pytest

from mtlkit.archive.documents import MAX_DEPTH, parse_json


def nested(depth: int) -> bytes:
    return b'{"a": ' * depth + b"1" + b"}" * depth


def test_an_object_is_taken_as_it_is() -> None:
    assert parse_json(b'{"a": [1, 2.5, null, "x", {"b": -1e300}]}') == {"a": [1, 2.5, None, "x", {"b": -1e300}]}
    assert parse_json(nested(MAX_DEPTH))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b"[1]", "no JSON object"),
        (b"7", "no JSON object"),
        (b'{"a": 1} {', "Extra data"),
        (b'{"a": NaN}', "NaN is not finite"),
        (b'{"a": -Infinity}', "-Infinity is not finite"),
        (b'{"a": 1e999}', "1e999 is not finite"),
        (b'{"a": {"b": 1, "b": 2}}', "a key stands twice"),
        (b'{"a": "\xff"}', "utf-8"),
        (nested(MAX_DEPTH + 1), "nested more than 64 deep"),
        (nested(100_000), "nested too deeply"),
    ],
)
def test_what_is_no_such_object(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(content)
