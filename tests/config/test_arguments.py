"""The names of a file's top-level arguments."""

import json
import os
from pathlib import Path

import pytest

from mtlkit.config import Variables, evaluate_file, top_level_arguments
from mtlkit.config.parameters import parameter_lists
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
        ("/* f(no) */ # g(no, no)\nfunction(/* 1) */ a, // b)\n  b, # c)\n) {}", ["a", "b"]),
        ("local s = 'f(no) \\' (' + \"g(no, \\\" (\"; function(a, b=@'it''s (no', c=@\"(\"\"no\") {}", ["a", "b", "c"]),
        ("local t = |||\n  f(no,\n    ||| (no)\n  |\n\n  (\n|||; function(a, b=2) t", ["a", "b"]),
        ("local t = |||-\n\n\tf(no,\n\t\t||| (no)\n  |||; function(a) t", ["a"]),
        ("function(a, b=|||\n  ) (no\n|||, c=[1, (2)]) {}", ["a", "b", "c"]),
        ("assert (1) == 1 : 'no)'; assert std.type(1) == 'number'; local x = 3; function(a, b) {}", ["a", "b"]),
        ("((function(a, b) {}))", ["a", "b"]),
        ("function(f=function(no, other) no, g=function() 1, h=(function(x) x)(2)) {}", ["f", "g", "h"]),
        ("local f(b, a) = a; function(a, b=f(a=1, b=2)) {}", ["b", "a"]),  # one set of names: either order serves
        ("local o = { f(no):: no, 'g'(x)::: x, ['h'](y): y }; function(a) o", ["a"]),
        ("local no = [1, 2, 3]; local f(x) = x; function(a, b=no[f(0):2]) assert f(a) : 'no'; {}", ["a", "b"]),
        ("if std.type(1) == 'number' then function(a, b) {} else function(c, d) {}", ["a", "b"]),
        ("if false then function(a, b) {} else function(c, d) {}", ["c", "d"]),
        ("(function(no) function(a, b=no) {})(1)", ["a", "b"]),
        ("local f(a, b) = {}, g(no, other) = f; g(1, 2)", ["a", "b"]),
        ("function(a, b) error 'is not evaluated'", ["a", "b"]),
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


def test_a_text_that_is_imported_is_not_taken_for_code(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("don't: (a ||| /* f(b, c) = ")
    (tmp_path / "a.jsonnet").write_text("local lib = import 'lib.libsonnet'; lib")
    (tmp_path / "lib.libsonnet").write_text("assert std.length(importstr 'notes.txt') > 3; function(a, b=1) {}")
    assert top_level_arguments(tmp_path / "a.jsonnet") == ["a", "b"]


def test_the_function_is_not_evaluated(tmp_path: Path) -> None:
    """An argument may be anything, and what a function makes of null may take for ever."""
    file = tmp_path / "a.jsonnet"
    file.write_text("local count(n) = if n < 1e7 then count(n + 1) tailstrict else n; function(n=0) count(0)")
    before = sum(os.times()[:4])  # processor time of this process and of children, since others may use the machine
    assert top_level_arguments(file) == ["n"]
    assert sum(os.times()[:4]) - before < 1


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("f(a, b)", []),
        ("[(a), (b, c)]", []),
        ("local f(a, b=(c), d) = g(e)", [["a", "b", "d"]]),
        ("function(a, b=function(c) c) a", [["c"], ["a", "b"]]),
        ("{ f(a):: a, g(b)::: b, h(c): c }", [["a"], ["b"], ["c"]]),
        ("function(a, b,) a", [["a", "b"]]),
        ("function() 1", [[]]),
        ("if (null) == x then (self) : 1", []),
        ("local f(1) = 2", []),
        (")]}", []),
    ],
)
def test_only_definitions_are_read(text: str, lists: list[list[str]]) -> None:
    assert list(parameter_lists(text)) == lists
