"""Small corpora whose truth is known, written in the many ways in which people keep such files.

A `Dress` says how: the tag scheme, the layout, the encoding, the normal form and the compression. What is written in
any of them means the same, so a reader gives the truth, or refuses the file.
"""

import bz2
import gzip
import io
import json
import lzma
import unicodedata
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["spans", "pos", "label"]
Span: TypeAlias = tuple[str, int, int]
"""Its type, its first word, and the word after its last."""

NAMES = ("Zoë", "Łukasz", "Ann", "Bo", "Müller", "Đặng", "Søren", "अनिल", "Анна", "O'Neill", "François")
OTHERS = ("saw", "met", "in", "near", "and", "today", "the", "3.5", "#", "café", "naïve", "–", "अच्छी", "B-PER", "O")
PHRASES = ("New York", "São Paulo")
"""Words with a blank inside, for layouts that can hold them."""
TYPES = ("PER", "LOC", "geo-loc", "Straße")
PARTS_OF_SPEECH = ("NOUN", "VERB", "DET", "ADJ", "PUNCT")
LABELS = (("neg", "pos"), ("0", "1", "2"), ("schön", "übel"), ("very good", "bad"))
ACCENTS = "\u0301"

LETTERS: Mapping[str, str] = {
    "iob2": "BIIB",
    "iobes": "BIES",
    "bilou": "BILU",
    "bmes": "BMES",
    "bmewo": "BMEW",
    "iob1": "IIII",
    "io": "IIII",
}
"""The letters of a span's first word, of those inside, of its last, and of a span of one word."""
FORMS: Mapping[str, Callable[[str, str], str]] = {
    "B-X": lambda letter, kind: f"{letter}-{kind}",
    "B_X": lambda letter, kind: f"{letter}_{kind}",
    "X-B": lambda letter, kind: f"{kind}-{letter}",
    "X_B": lambda letter, kind: f"{kind}_{letter}",
}


@dataclass(frozen=True)
class Sentence:
    """A text, and its answers for each kind of task."""

    words: tuple[str, ...]
    spans: tuple[Span, ...]
    pos: tuple[str, ...]
    label: str

    def target(self, kind: Kind) -> str | tuple[str, ...]:
        """What is to be read, in NFC; spans as IOB2."""
        if kind == "label":
            return nfc(self.label)
        return self.pos if kind == "pos" else tuple(map(nfc, tags(self, "iob2", "B-X")))


@dataclass(frozen=True)
class Dress:
    """How a file is written."""

    scheme: str = "iob2"
    form: str = "B-X"
    layout: str = "blanks"
    encoding: str = "utf-8"
    newline: str = "\n"
    normal_form: str = "NFC"
    compression: str = "none"
    named: bool = True
    """Whether a compressed file is named so."""
    comments: bool = False
    more_blank_lines: bool = False
    end: str = "\n"
    """What the file ends with after its last line."""


def truth(generator: Random, kind: Kind, count: int, dress: Dress, labels: Sequence[str]) -> list[Sentence]:
    """Sentences that the scheme and the layout can hold."""
    return [_sentence(generator, kind, dress, labels[number % len(labels)]) for number in range(count)]


def _sentence(generator: Random, kind: Kind, dress: Dress, label: str) -> Sentence:
    words: list[str] = []
    spans: list[Span] = []
    others = (*OTHERS, *PHRASES) if kind != "label" and dress.layout not in ("blanks", "docstart") else OTHERS
    while len(words) < 3 or generator.random() < 0.7:
        if generator.random() < 0.4:
            name, length = generator.choice(TYPES), generator.choice((1, 1, 2, 3))
            touches = bool(spans) and spans[-1][0] == name and spans[-1][2] == len(words)
            if touches and dress.scheme == "io":
                continue  # two spans of one type side by side are one span in this scheme
            spans.append((name, len(words), len(words) + length))
            words += generator.choices(NAMES, k=length)
        else:
            words += generator.choices(others, k=generator.randint(1, 2))
    pos = tuple(generator.choices(PARTS_OF_SPEECH, k=len(words)))
    return Sentence(tuple(words), tuple(spans), pos, label)


def tags(sentence: Sentence, scheme: str, form: str) -> list[str]:
    """A tag for each word."""
    begin, inside, end, alone = LETTERS[scheme]
    found = ["O"] * len(sentence.words)
    before: Span | None = None
    for span in sentence.spans:
        kind, first, after = span
        letters = [begin, *[inside] * (after - first - 2), end] if after - first > 1 else [alone]
        if scheme == "iob1" and before is not None and before[0] == kind and before[2] == first:
            letters[0] = "B"
        found[first:after] = [FORMS[form](letter, kind) for letter in letters]
        before = span
    return found


def dresses(generator: Random, kind: Kind) -> Dress:
    """A dress for a task of this kind; most of its parts are as usual."""

    def one_of(usual: str, *others: str) -> str:
        return usual if generator.random() < 0.5 else generator.choice(others)

    layouts = ("tsv", "jsonl") if kind == "label" else ("blanks", "tabs", "header", "conllu", "docstart", "jsonl")
    return Dress(
        scheme=generator.choice(list(LETTERS)),
        form=one_of(*FORMS),
        layout=generator.choice(layouts),
        encoding=one_of("utf-8", "utf-8-sig", "utf-8", "utf-8-sig", "utf-16", "latin-1"),
        newline=one_of("\n", "\r\n"),
        normal_form=one_of("NFC", "NFD"),
        compression=one_of("none", "gz", "bz2", "xz", "zip"),
        named=generator.random() < 0.5,
        comments=generator.random() < 0.5,
        more_blank_lines=generator.random() < 0.3,
        end=generator.choice(("\n", "", "\n\n")),
    )


def write(sentences: Sequence[Sentence], kind: Kind, dress: Dress, file: Path) -> Path:
    """Writes a corpus in this dress; returns the file's path, which has a suffix more if `named`."""
    lines = LAYOUTS[dress.layout](sentences, kind, dress)
    text = unicodedata.normalize(dress.normal_form, dress.newline.join(lines).rstrip("\r\n"))
    content = (text + dress.end.replace("\n", dress.newline)).encode(dress.encoding, "replace")
    if dress.compression != "none" and dress.named:
        file = file.with_name(f"{file.name}.{dress.compression}")
    file.write_bytes(COMPRESSED[dress.compression](content))
    return file


def reader_of(kind: Kind, dress: Dress) -> dict[str, object]:
    """The reader's settings for such a file."""
    if dress.layout == "tsv":
        return {"type": "text_classification"}
    if dress.layout == "jsonl":
        target = {"label_field": "label"} if kind == "label" else {"tags_field": "tags"}
        return {"type": "jsonl", "words_field": "words", **target}
    places = {"conllu": {"words": "FORM", "tags": "XPOS"}, "header": {"words": "TOKEN", "tags": "TAG"}}
    return {"type": "columns", **places.get(dress.layout, {"words": 0, "tags": 3 if dress.layout == "docstart" else 1})}


def _targets(sentence: Sentence, kind: Kind, dress: Dress) -> Sequence[str]:
    return sentence.pos if kind == "pos" else tags(sentence, dress.scheme, dress.form)


def _columns(separator: str) -> Callable[[Sequence[Sentence], Kind, Dress], list[str]]:
    def layout(sentences: Sequence[Sentence], kind: Kind, dress: Dress) -> list[str]:
        lines = []
        for sentence in sentences:
            rows = zip(sentence.words, _targets(sentence, kind, dress), strict=True)
            lines += [*(separator.join(row) for row in rows), *_between(dress)]
        return lines

    return layout


def _header(sentences: Sequence[Sentence], kind: Kind, dress: Dress) -> list[str]:
    lines = ["# columns = TOKEN TAG"]
    for number, sentence in enumerate(sentences):
        lines += [f"# text {number}"] if dress.comments else []
        lines += [f"{word}\t{tag}" for word, tag in zip(sentence.words, _targets(sentence, kind, dress), strict=True)]
        lines += _between(dress)
    return lines


def _conllu(sentences: Sequence[Sentence], kind: Kind, dress: Dress) -> list[str]:
    lines = []
    for number, sentence in enumerate(sentences):
        lines += [f"# sent_id = {number}", f"# text = {' '.join(sentence.words)}"] if dress.comments else []
        for place, (word, tag) in enumerate(zip(sentence.words, _targets(sentence, kind, dress), strict=True), 1):
            if place == 2 and dress.comments:  # words 2 and 3 are written as one; 2.1 is not written
                lines.append("\t".join(("2-3", "xy", *"________")))
            lines.append("\t".join((str(place), word, word, "X", tag, "_", "0", "root", "_", "_")))
            if place == 2 and dress.comments:
                lines.append("\t".join(("2.1", "empty", *"________")))
        lines += _between(dress)
    return lines


def _docstart(sentences: Sequence[Sentence], kind: Kind, dress: Dress) -> list[str]:
    lines = []
    for number, sentence in enumerate(sentences):
        lines += ["-DOCSTART- -X- O O", *_between(dress)] if number % 4 == 0 else []
        rows = zip(sentence.words, _targets(sentence, kind, dress), strict=True)
        lines += [*(f"{word} NN I-NP {tag}" for word, tag in rows), *_between(dress)]
    return lines


def _between(dress: Dress) -> list[str]:
    return ["", ""] if dress.more_blank_lines else [""]


def _jsonl(sentences: Sequence[Sentence], kind: Kind, dress: Dress) -> list[str]:
    def line(sentence: Sentence) -> str:
        target = {"label": sentence.label} if kind == "label" else {"tags": list(_targets(sentence, kind, dress))}
        return json.dumps({"words": list(sentence.words), **target}, ensure_ascii=False)

    return [line(sentence) for sentence in sentences]


def _tsv(sentences: Sequence[Sentence], kind: Kind, dress: Dress) -> list[str]:
    return [f"{sentence.label}\t{' '.join(sentence.words)}" for sentence in sentences]


LAYOUTS: Mapping[str, Callable[[Sequence[Sentence], Kind, Dress], list[str]]] = {
    "blanks": _columns(" "),
    "tabs": _columns("\t"),
    "header": _header,
    "conllu": _conllu,
    "docstart": _docstart,
    "jsonl": _jsonl,
    "tsv": _tsv,
}


def _zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("corpus.txt", content)
    return file.getvalue()


COMPRESSED: Mapping[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": _zipped,
}


def nfc(text: str) -> str:
    """The text in Unicode's normal form C, which is how mtlkit compares texts by default."""
    return unicodedata.normalize("NFC", text)


def without(sentences: Sequence[Sentence], place: int) -> list[Sentence]:
    """The sentences but for one."""
    return [*sentences[:place], *sentences[place + 1 :]]


def relabelled(sentences: Sequence[Sentence], place: int, label: str) -> list[Sentence]:
    """The sentences, one of them with another label."""
    return [*sentences[:place], replace(sentences[place], label=label), *sentences[place + 1 :]]
