"""Jsonnet files that grow, loop, crash or import what has no end: one sentence each, from every verb that takes one."""

import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

from tests.soak.counts import Counts
from tests.soak.workplace import Try, Workplace, soak_in_a_workplace

LEAST = 30
SIZES = (1_000, 60_000, 300_000)
"""Of what is nested or repeated in a text."""
COUNTS = (10**6, 10**9, 10**15, -1)
SURROGATES = (0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0x110000, -1)
Bomb = Callable[[random.Random], str]


def soak(seconds: float, seed: int, least: int = LEAST) -> Counts:
    """Tries for so many seconds, but at least so many files."""
    return soak_in_a_workplace(attempt, "jsonnet_bombs", seconds, seed, least)


def attempt(workplace: Workplace, generator: random.Random, name: str) -> None:
    """Writes one file and has a verb evaluate it; none of them is an experiment, so each is to be refused."""
    folder = workplace.new_stranger()
    special_files(folder)
    file = folder / "e.jsonnet"
    text = generator.choice(BOMBS)(generator)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    words = generator.choice(VERBS)(workplace, file, text)
    found = workplace.attempt(Try(f"{name} ({words[0]} {text[:60]!r})", words, folder=folder))
    if not found.ended.is_refusal and not found.sentences:
        workplace.counts.silent_differences += 1
        workplace.counts.failures.append(f"{name}: taken for an experiment: {text[:200]!r}")


def special_files(folder: Path) -> None:
    """What an import may lead to."""
    os.mkfifo(folder / "pipe.libsonnet")
    (folder / "zero.libsonnet").symlink_to("/dev/zero")
    (folder / "self.libsonnet").write_text("import 'self.libsonnet'")
    (folder / "first.libsonnet").write_text("(import 'second.libsonnet') + 1")
    (folder / "second.libsonnet").write_text("(import 'first.libsonnet') + 1")
    (folder / "binary.libsonnet").write_bytes(bytes(range(256)) * 99)
    with (folder / "sparse.libsonnet").open("wb") as file:
        file.truncate(2**40)
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(folder, os.O_DIRECTORY)
        made.bind(f"/proc/self/fd/{here}/socket.libsonnet")  # a name that is short enough for a socket
        os.close(here)


IMPORTED = ("pipe", "zero", "self", "first", "binary", "sparse", "socket", "missing")
DEVICES = ("/dev/zero", "/dev/stdin", "/dev/tty", "/proc/self/mem", "/", ".", "", "\\u0000", "x" * 5000, "\\u001b[2J")


def _nested(generator: random.Random) -> str:
    opening, middle, closing = generator.choice(
        (
            ("[", "1", "]"),
            ("(", "1", ")"),
            ("{ a: ", "1", "}"),
            ("-", "1", ""),
            ("local a = 1; ", "1", ""),
            ("!", "true", ""),
        )
    )
    size = generator.choice(SIZES)
    return opening * size + middle + closing * size


def _operators(generator: random.Random) -> str:
    start, more = generator.choice(
        (("1", "+1"), ("{}", "+{}"), ("a", ".b"), ("a", "[0]"), ("'x'", "+'x'"), ("f", "()"))
    )
    return start + more * generator.choice(SIZES)


def _recursion(generator: random.Random) -> str:
    return generator.choice(
        (
            "local f(x) = f(x) tailstrict; f(1)",
            "local f(x) = f(x + 1) + 1; f(0)",
            "local a = { b: $.b }; a.b",
            "local f(x) = [f(x)]; f(1)",
            "local f(x) = { a: f(x) }; f(1)",
            "local a = [a]; a",
            "local f(n) = if n == 0 then 1 else f(n - 1) + f(n - 1); f(60)",
            "local f = function(x) x(x); f(f)",
            "{ assert self.a, a: self.a }",
            "std.foldl(function(a, b) a + a, std.range(1, 90), 'xx')",
            "std.foldl(function(a, b) [a, a], std.range(1, 90), 1)",
        )
    )


def _library(generator: random.Random) -> str:
    """Functions of Jsonnet's library with numbers that are too large."""
    count, code = generator.choice(COUNTS), generator.choice(SURROGATES)
    return generator.choice(
        (
            f"std.repeat('x', {count})",
            f"std.repeat([1], {count})",
            f"std.range(1, {count})",
            f"std.makeArray({count}, function(i) i)",
            f"std.length(std.makeArray({count}, function(i) i))",
            f"std.char({code})",
            f"std.char({code}) + 'a'",
            f"{{ [std.char({code})]: 1 }}",
            f"error std.char({code})",
            f"std.parseYaml(std.char({code}))",
            f"std.join('x' , std.makeArray({count}, function(i) 'y'))",
            f"std.format('%{count}d', 1)",
            f"std.pow(10, {count})",
            f"std.manifestJsonEx({{}}, std.repeat(' ', {count}))",
            f"std.parseJson(std.repeat('[', {count}))",
            f"std.substr('x', 0, {count})",
            f"std.base64(std.repeat('x', {count}))",
            f"std.sort(std.range(1, {count}))",
        )
    )


def _yaml(generator: random.Random) -> str:
    """YAML with aliases without end, NUL characters, and depth."""
    laughs = "\\n".join(
        f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" if number else "a0: &a0 [x]"
        for number in range(12)
    )
    return generator.choice(
        (
            "std.parseYaml('\\u0000')",
            "std.parseYaml('a: b\\u0000c')",
            "std.parseYaml(importstr 'binary.libsonnet')",
            "std.parseYaml(std.repeat('[', 100000))",
            "std.parseYaml(std.repeat('- ', 100000))",
            "std.parseYaml('&a [*a]')",
            f"std.parseYaml('{laughs}')",
            "std.parseYaml('!!python/object/apply:os.system [id]')",
        )
    )


def _import(generator: random.Random) -> str:
    kind = generator.choice(("import", "importstr", "importbin"))
    path = generator.choice([*(f"{name}.libsonnet" for name in IMPORTED), *DEVICES])
    return f"[{kind} '{path}', 1]" if generator.random() < 0.5 else f"{kind} '{path}'"


def _message(generator: random.Random) -> str:
    """An error or a trace that acts on a terminal, or has no end."""
    text = generator.choice(
        ("\\u001b[2J", "a\\nall is well", "\\u202egnp", "' + std.repeat('x', 10000000) + '", "\\u0000")
    )
    start = generator.choice(("error '{}'", "std.trace('{}', 1)", "assert false : '{}'; 1", "{{ '{}': error 'x' }}"))
    return start.format(text)


def _noise(generator: random.Random) -> str:
    """What is no Jsonnet, or hardly."""
    letters = "{}[]()'\"|,:;+-*/\\@$%&=<>!~^ \n\t\0\ufeff\ud800aeltr019._#"
    return "".join(generator.choices(letters, k=generator.choice((1, 9, 200))))


def _huge(generator: random.Random) -> str:
    return generator.choice(
        (
            "'" + "x" * 20_000_000 + "'",
            "9" * 1_000_000,
            "# " + "x" * 20_000_000,
            "[" + "1," * 1_000_000 + "]",
            "{" + ",".join(f"a{number}: 1" for number in range(200_000)) + "}",
            "{ ['a' + i]: i for i in std.range(1, 3000000) }",
            "[[j for j in std.range(1, 30000)] for i in std.range(1, 30000)]",
        )
    )


BOMBS: tuple[Bomb, ...] = (
    _nested,
    _operators,
    _recursion,
    _library,
    _library,
    _yaml,
    _import,
    _import,
    _message,
    _noise,
    _huge,
)
LONGEST_ARGUMENT = 100_000
"""Letters; systems take some more."""


def _as_an_option(workplace: Workplace, file: Path, text: str) -> list[str | Path]:
    """The code as the value of an option, where one can hold it."""
    del file
    value = "".join(letter for letter in text if letter != "\0" and not "\ud800" <= letter <= "\udfff")[
        :LONGEST_ARGUMENT
    ]
    return ["check", workplace.mine / "e.json", "-o", f"model={{ {value}"]


VERBS: tuple[Callable[[Workplace, Path, str], list[str | Path]], ...] = (
    lambda at, file, text: ["check", file],
    lambda at, file, text: ["check", file, "--var", "a=1"],
    lambda at, file, text: ["train", file, "-s", at.out / "run", "--dry-run"],
    lambda at, file, text: ["data", "stats", file],
    lambda at, file, text: ["sweep", file, "--seeds", "2", "--dry-run"],
    lambda at, file, text: ["transfer", file, "--leave-out", "all", "-s", at.out / "folds"],
    _as_an_option,
)
