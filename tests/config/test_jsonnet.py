"""Experiment files: what they may import, what they are given, and what is said when they are wrong."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from mtlkit.config import Variables, evaluate_file, experiment_root, imports, top_level_arguments
from mtlkit.errors import ConfigError


def write(folder: Path, **files: str) -> Path:
    """Writes `a__b` as a/b.jsonnet; the path of the first one."""
    paths = []
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.jsonnet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths[0]


def said(path: Path, variables: Variables | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        evaluate_file(path, variables)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_a_file_and_its_imports_are_evaluated_and_kept(tmp_path: Path) -> None:
    file = write(
        tmp_path / "experiments",
        fdu__ic="local base = import '../lib/base.jsonnet'; base { b: importstr '../text.jsonnet' }",
        lib__base="{ a: (import 'size.jsonnet') + 1, b: 0 }",
        lib__size="41",
        text="just text",
    )
    evaluated = evaluate_file(file)
    assert evaluated.value == {"a": 42, "b": "just text"}
    assert list(evaluated.sources) == ["fdu/ic.jsonnet", "lib/base.jsonnet", "lib/size.jsonnet", "text.jsonnet"]
    assert evaluated.sources["lib/size.jsonnet"] == "41"


def test_whole_numbers_are_integers_and_others_are_not(tmp_path: Path) -> None:
    value = evaluate_file(write(tmp_path, f="{ a: 3, b: 3.5, c: 1e-3, d: 2 * 50 }")).value
    assert value == {"a": 3, "b": 3.5, "c": 0.001, "d": 100}
    assert [type(item) for item in value.values()] == [int, float, float, int]


def test_the_library_of_mtlkit_is_at_hand(tmp_path: Path) -> None:
    evaluated = evaluate_file(write(tmp_path, f="(import 'mtlkit/vader.libsonnet').tasks"))
    assert set(evaluated.value) == {"movie", "product", "editorial", "tweet"}
    assert list(evaluated.sources) == ["f.jsonnet", "mtlkit/vader.libsonnet"]


def test_the_root_is_the_outermost_folder_named_experiments(tmp_path: Path) -> None:
    assert experiment_root(tmp_path / "a/f.jsonnet") == (tmp_path / "a").resolve()
    assert experiment_root(tmp_path / "experiments/x/f.jsonnet") == (tmp_path / "experiments").resolve()
    nested = tmp_path / "experiments/x/experiments/f.jsonnet"
    assert experiment_root(nested) == (tmp_path / "experiments").resolve()


@pytest.mark.parametrize("keyword", ["import", "importstr", "importbin"])
@pytest.mark.parametrize("way", ["../secret.jsonnet", "a/../../secret.jsonnet", "ABSOLUTE", "link.jsonnet", "LIBRARY"])
def test_an_import_stays_in_the_tree(tmp_path: Path, keyword: str, way: str) -> None:
    secret = write(tmp_path, secret="'secret'")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link.jsonnet").symlink_to(secret)
    target = {"ABSOLUTE": str(secret), "LIBRARY": f"mtlkit/{'../' * 20}{secret.relative_to('/')}"}.get(way, way)
    message = said(write(tmp_path / "tree", f=f"{keyword} '{target}'"))
    assert "leaves the experiment's folder tree" in message
    assert "secret'" not in message.replace(target, "")


def test_a_folder_of_links_leads_nowhere(tmp_path: Path) -> None:
    write(tmp_path, outside__secret="'secret'")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/inside").symlink_to(tmp_path / "outside")
    file = write(tmp_path / "tree", f="import 'inside/secret.jsonnet'")
    assert "leaves the experiment's folder tree" in said(file)


def test_an_import_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert f"no file {tmp_path / 'b.jsonnet'}" in said(write(tmp_path, a="import 'b.jsonnet'"))
    assert "no file" in said(write(tmp_path, a="import 'mtlkit/nothing.libsonnet'"))
    (tmp_path / "folder").mkdir()
    assert "no file" in said(write(tmp_path, a="import 'folder'"))


def test_an_import_cycle_is_an_error(tmp_path: Path) -> None:
    assert "max stack frames exceeded" in said(write(tmp_path, a="import 'b.jsonnet'", b="import 'a.jsonnet'"))


def test_variables_keep_their_types(tmp_path: Path) -> None:
    file = write(tmp_path, f="[std.extVar('n') + 1, std.extVar('t'), std.extVar('l')]")
    variables = Variables({"n": "2", "t": '"2"', "l": "[true, null]"})
    assert evaluate_file(file, variables).value == [3, "2", [True, None]]


@pytest.mark.parametrize(
    "text", ["std.extVar('my-x')", "local v = std.extVar; v('my-x')", 'std.extVar("my-x")', "import 'g.jsonnet'"]
)
def test_a_variable_may_be_read_in_any_way(tmp_path: Path, text: str) -> None:
    file = write(tmp_path, f=text, g="std.extVar( 'my-x' )")
    assert evaluate_file(file, Variables({"my-x": "3"})).value == 3


def test_a_variable_that_no_file_reads_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, f="std.extVar('size')")
    assert said(file, Variables({"size": "1", "sice": "2"})) == (
        f"{file}: reads no variable 'sice'; did you mean 'size'?"
    )
    assert said(file, Variables({"size": "1", "x": "2"})) == f"{file}: reads no variable 'x' (it reads: size)"
    assert said(write(tmp_path, g="3"), Variables({"x": "2"})).endswith("reads no variable 'x'; leave it out")


def test_arguments_are_for_functions(tmp_path: Path) -> None:
    plain = write(tmp_path, f="{ a: 1 }")
    assert said(plain, Variables(arguments={"size": "3"})) == (
        f"{plain}: is not a function, so it takes no argument 'size'; give variables by --var, --str"
    )
    function = write(tmp_path, g="function(size=1) size")
    assert said(function, Variables(arguments={"sice": "3"})) == (
        f"{function}: has no top-level argument 'sice'; write it as the file does"
    )
    chosen = write(tmp_path, h="if std.extVar('f') then function(a) a else 3")
    assert evaluate_file(chosen, Variables({"f": "true"}, {"a": "1"})).value == 1
    assert "is not a function" in said(chosen, Variables({"f": "false"}, {"a": "1"}))


def test_functions_of_the_file_itself_are_no_top_level_ones(tmp_path: Path) -> None:
    file = write(tmp_path, f="local f(size) = size;\nf()")
    assert said(file).startswith(f"{file}:2:1")
    file = write(tmp_path, g="local f(size) = size;\nf(1, sice=2)")
    assert said(file).startswith(f"{file}:2:1")


def test_a_file_may_be_a_function(tmp_path: Path) -> None:
    file = write(tmp_path, f="function(size, name='x') { size: size, name: name }")
    assert evaluate_file(file, Variables(arguments={"size": "3"})).value == {"size": 3, "name": "x"}


def test_missing_variables_are_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path, f="std.extVar('size')")
    assert said(file) == f"{file}: needs the variable 'size': give --str size=TEXT or --var size=JSON"
    assert "needs the variable 'my-x': give --str my-x=TEXT" in said(write(tmp_path, h="std.extVar('my-x')"))
    data = write(tmp_path, g="std.extVar('data') + '/x'")
    assert said(data) == (
        f"{data}: needs the variable 'data': give --str data=TEXT or --var data=JSON, or set MTLKIT_DATA"
    )


def test_missing_arguments_are_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path, f="function(size) size")
    assert said(file) == f"{file}: needs the top-level argument 'size': give --tla size=JSON or --tla-str size=TEXT"


def test_the_environment_is_not_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    assert "needs the variable 'SECRET'" in said(write(tmp_path, f="std.extVar('SECRET')"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{\n  a: 1,\n  b 2\n}", ":3:"),
        ("{ a: nothing }", ":1:6"),
        ("{\n  a: error 'no such size'\n}", ":2:"),
        ("{ a: 1 } { b: super.c }", ":1:"),
        ("local f(x) = f(x + 1); f(0)", ":1:"),
        ("", ":1:1"),
        ("function() function() 1", ": couldn't manifest function"),
    ],
)
def test_a_mistake_has_a_place(tmp_path: Path, text: str, place: str) -> None:
    file = write(tmp_path, f=text)
    message = said(file)
    assert message.startswith(f"{file}{place}")
    assert "STATIC ERROR" not in message and "RUNTIME ERROR" not in message


def test_a_mistake_in_an_import_has_its_own_place(tmp_path: Path) -> None:
    assert said(write(tmp_path, a="import 'b.jsonnet'", b="{\n x }")).startswith(f"{tmp_path / 'b.jsonnet'}:2:")


@pytest.mark.parametrize("folder", [".", "lib", "other"])
def test_a_failed_assertion_names_the_file_as_the_user_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """From the current folder where the file lies below it, else by the whole path."""
    file = write(tmp_path, f="(import 'lib/g.jsonnet').a", lib__g="{\n  assert 1 == 2 : 'sizes differ',\n  a: 1,\n}")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / folder)
    shown = {".": "lib/g.jsonnet", "lib": "g.jsonnet", "other": str(tmp_path.resolve() / "lib/g.jsonnet")}[folder]
    message = said(Path(os.path.relpath(file)))
    assert message.startswith(f"{shown}:2:") and message.endswith(": sizes differ")


def test_json_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_text('{"a": [1, 2.0, "std.extVar"], "b": null}')
    evaluated = evaluate_file(file)
    assert evaluated.value == {"a": [1, 2.0, "std.extVar"], "b": None}
    assert evaluated.sources == {"f.json": file.read_text()}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"a": 1, "a": 2}', ": key 'a' is given twice in one object; keep one of them"),
        ('{"b": [{"a": 1, "a": 1}]}', ": key 'a' is given twice in one object; keep one of them"),
        ('{"a":\n  1,}', ":2:5: not valid JSON: "),
        ("", ":1:1: not valid JSON: Expecting value"),
        ("// no comments\n{}", ":1:1: not valid JSON: Expecting value"),
        ('{"a": NaN}', ": NaN is not a number in JSON; write a number"),
        ('{"a": ' + "9" * 5000 + "}", ": a number has too many digits; write a shorter one"),
        ('{"a": -Infinity}', ": -Infinity is not a number in JSON; write a number"),
    ],
)
def test_json_is_strict(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "f.json"
    file.write_text(text)
    assert said(file).startswith(f"{file}{what}")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert said(tmp_path / "no.jsonnet") == f"{tmp_path / 'no.jsonnet'}: no such file; check the path"
    assert "an experiment is a .jsonnet or .json file" in said(tmp_path / "no.yaml")
    (tmp_path / "latin.jsonnet").write_bytes(b"{ a: '\xe9' }")
    latin, folder = tmp_path / "latin.jsonnet", tmp_path / "folder.jsonnet"
    assert said(latin) == f"{latin}: is not UTF-8 text; save it in that encoding"
    folder.mkdir()
    assert said(folder).startswith(f"{folder}: is a folder; give an experiment file")
    assert said(latin / "x.jsonnet") == f"{latin}/x.jsonnet: cannot be read (Not a directory); give a readable file"


def test_what_is_too_large_or_no_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MOST_BYTES", 100)
    monkeypatch.setattr(imports.read_source, "__defaults__", (100,))
    large = write(tmp_path, large=f"'{'x' * 100}'")
    assert said(large).startswith(f"{large}: is too large: experiments have at most")
    several = write(tmp_path, f="[importstr 'a.jsonnet', importstr 'b.jsonnet']", a="x" * 60, b="x" * 60)
    assert f"import 'b.jsonnet': {tmp_path / 'b.jsonnet'} is too large" in said(several)
    assert said(write(tmp_path, nul="'a\0b'")).endswith("has a NUL character, which no text has; save it as UTF-8 text")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "import 'pipe': no file" in said(write(tmp_path, f="importstr 'pipe'"))


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows have no names that are not Unicode")
def test_names_that_are_not_utf8_are_read_and_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "experiments" / os.fsdecode(b"caf\xe9")
    file = write(folder, f="import 'lib/g.jsonnet'", lib__g="importstr 'h.jsonnet'", lib__h="1")
    evaluated = evaluate_file(file)
    assert (evaluated.value, len(evaluated.sources)) == ("1", 3)
    assert said(write(folder, bad="error 'wrong'")).endswith("caf\\udce9/bad.jsonnet:1:1-14: wrong")
    name = os.fsdecode(b"\xe9")
    data = write(tmp_path, data="std.extVar('data')")
    for value in (Variables(defaults={"data": json.dumps(f"/{name}")}), Variables({"data": json.dumps(name)})):
        assert said(data, value) == f"{data}: variable 'data': is not UTF-8 text; give it in that encoding"
    function = write(tmp_path, function="function(a) a")
    given = Variables(arguments={"a": json.dumps(name)})
    assert said(function, given) == f"{function}: argument 'a': is not UTF-8 text; give it in that encoding"
    assert "reads no variable" in said(data, Variables({name: "1"}, defaults={"data": "1"}))


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    """Editors on Windows write one; Jsonnet itself rejects it."""
    mark = "\ufeff"
    (tmp_path / "words.txt").write_text(f"{mark}warm", encoding="utf-8")
    (tmp_path / "part.libsonnet").write_text(f"{mark}{{ a: importstr 'words.txt' }}", encoding="utf-8")
    (tmp_path / "plain.json").write_text(f'{mark}{{"b": 2}}', encoding="utf-8")
    file = tmp_path / "f.jsonnet"
    file.write_text(f"{mark}function(c) (import 'part.libsonnet') + import 'plain.json'", encoding="utf-8")
    evaluated = evaluate_file(file, Variables(arguments={"c": "1"}))
    assert evaluated.value == {"a": "warm", "b": 2}
    assert not any(text.startswith(mark) for text in evaluated.sources.values())
    assert top_level_arguments(file) == ["c"]
    assert evaluate_file(tmp_path / "plain.json").value == {"b": 2}
    file.write_text("{ a: 1 }", encoding="utf-16")
    assert said(file) == f"{file}: is not UTF-8 text; save it in that encoding"


@pytest.mark.parametrize("value", ["1e999", "-1 * 1e999", "0 / 0"])
def test_numbers_are_finite(tmp_path: Path, value: Any) -> None:
    assert "f.jsonnet" in said(write(tmp_path, f=value))
