"""Texts of strangers: lines and words without end, and what is hardly text. Sound lines are answered all the same."""

import gzip
import json
import random
from collections.abc import Callable

from tests.soak.counts import Counts
from tests.soak.workplace import Try, Workplace, soak_in_a_workplace

LEAST = 30
SOUND = b"fine film"
Line = Callable[[random.Random], bytes]
"""Makes a line, which has no line end in it."""


def soak(seconds: float, seed: int, least: int = LEAST) -> Counts:
    """Tries for so many seconds, but at least so many files."""
    return soak_in_a_workplace(attempt, "long_lines", seconds, seed, least)


def attempt(workplace: Workplace, generator: random.Random, name: str) -> None:
    """Has a file answered, scored or counted."""
    odd = generator.choice(LINES)
    if generator.random() < 0.6:
        _predict(workplace, generator, odd, name)
    else:
        _read(workplace, generator, odd, name)


def _predict(workplace: Workplace, generator: random.Random, odd: Line, name: str) -> None:
    """Each line has a record: sound ones an answer, the others that or an error."""
    lines = [SOUND] * generator.randint(1, 4)
    lines.insert(generator.randint(0, len(lines)), odd(generator))
    content = b"\n".join(lines) + generator.choice((b"\n", b""))
    file = workplace.new_stranger() / "texts.txt"
    file.write_bytes(content)
    archive = generator.choice((workplace.mine / "run", workplace.mine / "good.tar.gz"))
    source = generator.choice((file, "-"))
    words = ["predict", archive, source, "--format", "text", "--task", generator.choice(("books", "news"))]
    what = f"{name} (predict, {odd.__name__.strip('_')})"
    found = workplace.attempt(Try(what, words, content if source == "-" else b""))
    if found.sentences or found.ended.is_refusal:
        return
    records = [json.loads(line) for line in found.ended.output.splitlines()]
    answered = sum("error" not in record and record.get("words") == SOUND.decode().split() for record in records)
    if len(records) < len(lines) or answered < lines.count(SOUND):
        workplace.counts.silent_differences += 1
        workplace.counts.failures.append(f"{what}: {len(records)} records of {len(lines)} lines, {answered} answers")


def _read(workplace: Workplace, generator: random.Random, odd: Line, name: str) -> None:
    """Files of data: the reader takes them, or says where it does not."""
    lines = [b"positive\tfine film", b"negative\tdull film", b"negative\t" + odd(generator)]
    file = workplace.new_stranger() / generator.choice(("data.tsv", "data.tsv.gz"))
    content = b"\n".join(generator.sample(lines, 3)) + b"\n"
    file.write_bytes(gzip.compress(content, 1) if file.suffix == ".gz" else content)
    value = json.loads((workplace.mine / "e.json").read_text())
    value["tasks"]["books"].update(test=str(file))
    experiment = workplace.stranger / "e.json"
    experiment.write_text(json.dumps(value))
    words = generator.choice(
        [
            ["evaluate", workplace.mine / "run", "--task", "books", "--file", file],
            ["evaluate", workplace.mine / "good.tar.gz", "--task", "books", "--file", file, "--predictions", "p"],
            ["report", workplace.mine / "run", "--task", "books", "--data", f"books={file}", "-o", "page.html"],
            ["data", "stats", experiment],
            ["data", "audit", experiment],
            ["check", "--data", experiment],
        ]
    )
    workplace.attempt(Try(f"{name} ({words[0]}, {odd.__name__.strip('_')})", words))


def _many_words(generator: random.Random) -> bytes:
    return b"a fine film " * generator.choice((35_000, 100_000, 500_000))


def _one_word(generator: random.Random) -> bytes:
    return generator.choice((b"x", "ä".encode(), "a\u0301".encode(), b"-", b"'")) * generator.choice(
        (10**5, 5 * 10**6, 10**7)
    )


def _beyond_a_line(generator: random.Random) -> bytes:
    return b"film " * generator.choice((2**22, 2**23))


def _nul(generator: random.Random) -> bytes:
    return generator.choice((b"\0", b"fine\0film", bytes(10**6), b"a\0" * 999))


def _escapes(generator: random.Random) -> bytes:
    return generator.choice(
        ("\x1b[2J\x1b]0;title\x07", "\x9b2J", "a\rb", "\u202egnp.exe", "\u2028a\u2029b", "\x08" * 99, "\x0c", "\x85")
    ).encode()


def _not_utf8(generator: random.Random) -> bytes:
    return generator.choice((b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"))


def _marks(generator: random.Random) -> bytes:
    """Marks and joiners without end, which are one letter to the eye."""
    return (
        "a" + generator.choice(("\u0301", "\u200d", "\ufe0f", "\u20e3", "\U0001f3fb")) * generator.choice((99, 10**6))
    ).encode()


def _many_letters(generator: random.Random) -> bytes:
    """Letters that take part in every rule of text identity."""
    letters = "ﷺİßǅΐﬃ각가\u1100\u1161\u11a8ñ㎦⁉️👨‍👩‍👧‍👦🇩🇪"
    return "".join(generator.choices(letters, k=generator.choice((99, 10**5)))).encode()


def _json(generator: random.Random) -> bytes:
    return generator.choice(
        (b"[" * 10**5, b'{"text":' * 999, b'{"text": "a", "text": "b"}', b'{"a": 1e999}', b"9" * 10**5)
    )


def _digits(generator: random.Random) -> bytes:
    return b"9" * generator.choice((5000, 10**6))


def _nothing(generator: random.Random) -> bytes:
    return generator.choice((b"", b" ", b"\t", "\u3000".encode(), "\ufeff".encode(), b"\r"))


LINES: tuple[Line, ...] = (
    *(_many_words, _many_words, _one_word, _beyond_a_line, _nul, _escapes, _not_utf8, _marks, _many_letters),
    *(_json, _digits, _nothing),
)
