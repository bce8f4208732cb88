"""The names of a file's top-level arguments."""

import json
import os
from pathlib import Path

import pytest

from mtlkit.config import Variables, evaluate_file, top_level_arguments
from mtlkit.errors import ConfigError

EXPERIMENTS = Path(__file__).parent.parent.parent / "experiments"
VARIABLES = Variables(defaults={"data": json.dumps(os.environ.get("MTLKIT_DATA", "data"))})


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("ic_mtl.jsonnet", ["hidden", "l2"]),
        ("dc_mtl.jsonnet", []),
        ("planted.jsonnet", ["sharing", "seed", "only"]),
        ("fdu/nas_pool.jsonnet", ["preset", "num_modules", "num_samples", "paths", "path"]),
    ],
)
def test_of_experiments_that_are_shipped(file: str, names: list[str]) -> None:
    assert set(top_level_arguments(EXPERIMENTS / file, VARIABLES)) == set(names)


def test_of_a_function_that_comes_from_an_import() -> None:
    names = top_level_arguments(EXPERIMENTS / "tagging" / "fs.jsonnet", VARIABLES)
    assert {"preset", "char", "ner", "pos", "scheme", "lambda"} <= set(names)
    for name in names:  # each of them is one; what it would be good for is another matter
        with pytest.raises(ConfigError) as error:
            evaluate_file(
                EXPERIMENTS / "tagging" / "fs.jsonnet", Variables({}, {name: "error 'x'"}, VARIABLES.defaults)
            )
        assert "has no top-level argument" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{ a: 1 }", []),
        ("function() {}", []),
        ("function(hidden, l2=0) {}", ["hidden", "l2"]),
        ("// f(no)\nlocal f(no) = no; function(a=f(no=1), b=std.length([no for no in [1, 2]]),) error 'x'", ["a", "b"]),
        ("local f(a, b=1) = {}; f", ["a", "b"]),
        ("local f = function(no) no; f(1)", []),
        ("{ f(a):: a }.f", ["a"]),
        ("local no(no) = std.type(null) + std.type((true)); function(a='(') no(null)", ["a"]),
    ],
)
def test_however_a_file_comes_to_be_a_function(tmp_path: Path, text: str, names: list[str]) -> None:
    file = tmp_path / "a.jsonnet"
    file.write_text(text)
    assert top_level_arguments(file) == names


def test_what_is_wrong_with_the_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonnet"
    file.write_text("function(a) {")
    with pytest.raises(ConfigError, match=r"a\.jsonnet:1:14"):
        top_level_arguments(file)
