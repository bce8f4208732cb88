"""Jsonnet files that loop, crash or fill the process that evaluates them: one sentence each, and mtlkit goes on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mtlkit.config import Variables, evaluate_file, jsonnet_process, parse_value, top_level_arguments
from mtlkit.config.json_text import NotJson
from mtlkit.config.jsonnet_faults import Limits, cause_of_death, noise_of_death
from mtlkit.config.jsonnet_process import JsonnetError, JsonnetProcess
from mtlkit.errors import ConfigError

SMALL = Limits(seconds=1, memory=2**27, output=2**20, traces=2**10)
limited = pytest.mark.skipif(sys.platform == "win32", reason="Windows limits neither processor time nor memory")
of_memory = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests need not wait for ten seconds of work."""
    monkeypatch.setattr(jsonnet_process, "Limits", lambda: SMALL)


def written(folder: Path, text: str, name: str = "f.jsonnet") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def said(file: Path, variables: Variables | None = None) -> str:
    """What is said of a file, after its name: one line of characters that can be shown."""
    with pytest.raises(ConfigError) as error:
        evaluate_file(file, variables)
    message = str(error.value)
    assert message.isprintable() and message.startswith(f"{file}:")
    return message.removeprefix(f"{file}:").strip()


def nothing(folder: str, name: str) -> tuple[str, bytes]:
    raise RuntimeError("nothing may be imported")


DEEP = "is nested too deeply or has too many operators in a row for Jsonnet; give the parts to std.foldl as a list"
LARGE = "needs more than 128 MiB to be evaluated; make its lists and texts shorter"
ENDLESS = "is not evaluated after 1 seconds of work; look for a recursion that does not end"
MISREAD = "gives std.parseYaml a text with a control character or half of a surrogate pair; leave it out"
HALF = "gives a text with half of a surrogate pair, which is no character; give std.char another number"
LONG = "evaluates to more than 1 MiB of JSON; make its lists and texts shorter"
NUL = "std.parseYaml misreads NUL characters; leave them out"


@limited
@pytest.mark.parametrize(
    "text",
    ["+".join(["1"] * 60_000), "{ a: 1 }" + "{}" * 60_000, "a" + ".b" * 60_000, "[" + "+".join(["'x'"] * 60_000) + "]"],
    ids=["sums", "objects", "fields", "texts"],
)
def test_a_stack_that_is_full_is_told(tmp_path: Path, text: str) -> None:
    assert said(written(tmp_path, text)) == DEEP


def test_the_remedy_for_many_operators_helps(tmp_path: Path) -> None:
    terms = ["1"] * 20_000
    assert said(written(tmp_path, "+".join(terms))) == DEEP
    file = written(tmp_path, f"std.foldl(function(sum, each) sum + each, [{', '.join(terms)}], 0)")
    assert evaluate_file(file).value == 20_000


@of_memory
@pytest.mark.parametrize("text", ["std.repeat('x', 1e9)", "std.makeArray(1e9, function(i) i)"])
def test_memory_is_limited(tmp_path: Path, text: str) -> None:
    assert said(written(tmp_path, text)) == LARGE


@limited
def test_processor_time_is_limited(tmp_path: Path) -> None:
    assert said(written(tmp_path, "local f(x) = f(x) tailstrict; f(1)")) == ENDLESS


def test_the_clock_ends_it_where_a_system_has_no_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonnet_process, "HAS_NO_LIMITS", True)
    monkeypatch.setattr(jsonnet_process, "SECONDS_BY_THE_CLOCK", 0.1)
    assert said(written(tmp_path, "local f(x) = f(x) tailstrict; f(1)")) == ENDLESS
    monkeypatch.setattr(jsonnet_process, "SECONDS_BY_THE_CLOCK", 60)
    assert evaluate_file(written(tmp_path, "1 + 1")).value == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("std.char(55296)", HALF),
        ("std.char(55357) + std.char(56832)", HALF),
        ("{ [std.char(56000)]: 1 }", HALF),
        ("error std.char(55296)", HALF),
        ("std.parseYaml('\\u0000')", MISREAD),
        ("std.parseYaml('a: b\\u0000c\\nd: 2')", MISREAD),
        ("std.parseYaml(std.char(55296))", MISREAD),
        ("std.repeat('a long text of a file', 1e5)", LONG),
        ("local f(x) = f(x + 1) + 1; f(0)", "1:14-22: max stack frames exceeded; end the recursion"),
    ],
)
def test_what_breaks_jsonnet_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    assert said(written(tmp_path, text)) == message


@pytest.mark.parametrize(
    "text", ["std.parseYaml('a\\u0000b')", "std.parseYaml(std.extVar('x'))", "std.parseYaml(importstr 'x')"]
)
def test_what_parse_yaml_would_misread_is_refused(tmp_path: Path, text: str) -> None:
    """It would give `b` for `a\\u0000b`, in silence."""
    written(tmp_path, "a\0b", "x")
    assert said(written(tmp_path, f"std.parseYaml({text})"), Variables(defaults={"x": json.dumps("a\0b")})) == NUL


def test_yaml_is_parsed(tmp_path: Path) -> None:
    assert evaluate_file(written(tmp_path, "std.parseYaml('a: b')")).value == {"a": "b"}


@pytest.mark.parametrize("name", ["x" * 5000, "mtlkit/" + "x" * 300, "x" * 256])
def test_an_import_that_no_path_can_be_is_named(tmp_path: Path, name: str) -> None:
    shown = name[:200] + "..." * (len(name) > 200)
    file = written(tmp_path, f"import '{name}'")
    assert said(file).endswith(f"import '{shown}': is no path (File name too long); check the path")


def test_arguments_are_listed_within_the_limits(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=DEEP):
        top_level_arguments(written(tmp_path, "+".join(["1"] * 60_000)))


def test_an_option_is_no_way_around_the_limits() -> None:
    """What looks like JSON is evaluated to say what is meant."""
    value = parse_value("{a: " + "+".join(["1"] * 60_000) + "}", "-o x")
    assert isinstance(value, NotJson) and value.remedy().startswith("write it as JSON, with names")
    assert NotJson("{a: 1}").remedy() == 'write it as JSON: {"a": 1}'
    assert NotJson("[importstr '/etc/hostname']").remedy().startswith("write it as JSON, with names")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("error '\\u001b[31mred'", "1:1-22: \\x1b[31mred"),
        ("error 'one\\ntwo: ok, 4 tasks'", "1:1-30: one two: ok, 4 tasks"),
        ("error 'a\\u2028b'", "1:1-17: a\\u2028b"),
        ("{ assert false : 'no\\r', a: 1 }", "1:18-24: no"),
        ("std.extVar('a\\nb')", "needs the variable 'a b': give --str a b=TEXT or --var a b=JSON"),
    ],
)
def test_a_message_of_a_file_stays_on_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert said(written(tmp_path, text)) == message


def test_a_long_message_is_shortened(tmp_path: Path) -> None:
    assert len(said(written(tmp_path, "error std.join('', [std.toString(i) for i in std.range(1, 10000)])"))) < 1100


def test_traces_are_shown_and_cannot_move_the_cursor(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert evaluate_file(written(tmp_path, "std.trace('a\\u001b[2J\\n  b', 1)")).value == 1
    assert capfd.readouterr().err == f"TRACE: {tmp_path}/f.jsonnet:1 a\\x1b[2J\n  b\n"
    said(written(tmp_path, "if std.trace('before', true) then std.parseYaml('\\u0000')"))
    assert capfd.readouterr().err == f"TRACE: {tmp_path}/f.jsonnet:1 before\n"
    endless = "std.foldl(function(a, i) std.trace(std.repeat('x', 99), i), std.range(1, 100), 0)"
    assert evaluate_file(written(tmp_path, endless)).value == 100
    assert len(capfd.readouterr().err) <= SMALL.traces + 1


def test_modules_of_the_current_folder_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that evaluates sees neither them nor the paths of the environment."""
    for name in ("json", "signal", "resource", "sitecustomize", "usercustomize", "_jsonnet"):
        written(tmp_path, f"open({str(tmp_path / 'canary')!r}, 'w')", f"{name}.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "json.py"))
    assert evaluate_file(written(tmp_path, "1 + 1")).value == 2
    assert not (tmp_path / "canary").exists()
    subprocess.run([sys.executable, "-c", "import json"], check=True)
    assert (tmp_path / "canary").exists()


def test_no_process_is_left(tmp_path: Path) -> None:
    with JsonnetProcess(SMALL) as process, pytest.raises(JsonnetError, match="Unknown variable"):
        process.evaluate("f", "x", nothing)
    with pytest.raises(ZeroDivisionError), JsonnetProcess(SMALL) as interrupted:
        interrupted.evaluate("f", "import 'x'", lambda folder, name: ("x", bytes([1 // len(folder)])))
    for each in (process, interrupted):
        assert each._process.returncode is not None and not each._listener.is_alive()


def test_python_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert said(written(tmp_path, "1")).startswith(f"cannot be evaluated, since Python ({tmp_path}/python)")


@pytest.mark.parametrize(
    ("status", "noise", "message"),
    [
        (0xC00000FD, [], DEEP),
        (-9, [], LARGE),
        (1, ["Traceback (most recent call last):", "MemoryError"], LARGE),
        (1, ["Traceback (most recent call last):", "ImportError: no"], "crashes Jsonnet (ImportError: no)"),
        (3, [], "crashes Jsonnet (exit status 3)"),
        (-4, [], "crashes Jsonnet (SIGILL)"),
    ],
)
def test_causes_of_death(status: int, noise: list[str], message: str) -> None:
    assert cause_of_death(status, noise_of_death(["TRACE: f:1 x", *noise]), False, SMALL).startswith(message)
