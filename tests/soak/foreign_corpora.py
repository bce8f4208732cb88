"""Corpora in foreign schemes, layouts, encodings and normal forms: the figures are right, or the corpus is refused.

Each corpus is written by construction (`dressed_files`), so that its words, its spans and its labels are known. A small
model is trained on it. Then these must be equal to the truth: what was read, the gold answers among the predictions,
every figure, computed again from the predictions by other code than mtlkit's, and the figures of the same test texts in
another dress. Sometimes a corpus is spoilt in a way that people's files are; it must then be refused, or reported.
"""

import gzip
import json
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import mtlkit
from mtlkit.errors import MtlkitError
from mtlkit.experiment import load_experiment
from mtlkit.experiment.corpora import load_corpora
from tests.soak.counts import Counts
from tests.soak.dressed_files import (
    LABELS,
    Dress,
    Kind,
    Sentence,
    dresses,
    nfc,
    reader_of,
    relabelled,
    truth,
    write,
)

CORPORA = 2_000
"""In the soak, whatever time that takes."""
SIZES = {"train": 24, "dev": 8, "test": 12}
KINDS: tuple[Kind, ...] = ("spans", "spans", "pos", "label")
TASK = "foreign"


@dataclass
class Corpus:
    """What a corpus is, how it is written, and how its experiment reads it."""

    kind: Kind
    dress: Dress
    sentences: dict[str, list[Sentence]]
    files: dict[str, Path] = field(default_factory=dict)
    reader: dict[str, object] = field(default_factory=dict)
    reported: str | None = None
    """A word of the line that has to be said if the corpus is read all the same; None for one that is not spoilt."""


class Different(AssertionError):
    """A result that differs from the truth, without a word."""


def soak(seconds: float, seed: int) -> Counts:
    """2,000 corpora, in however many seconds."""
    counts = Counts()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(CORPORA):
            place = Path(folder) / str(number)
            place.mkdir()
            attempt(Random(f"{seed}/{number}"), place, f"corpus {number} of seed {seed}", counts)
    print(
        f"foreign corpora: {counts.refused:,} refused, {time.monotonic() - started:.0f} s of {seconds:.0f}", flush=True
    )
    return counts


def attempt(generator: Random, folder: Path, name: str, counts: Counts) -> None:
    """Makes a corpus, trains on it, and compares; adds to the counts."""
    counts.tried += 1
    corpus = made(generator, folder)
    try:
        compare(corpus, generator, folder)
    except MtlkitError as error:
        counts.refused += 1
        if must_be_read(corpus):
            counts.failures.append(f"{name}: refused, though nothing is wrong with it: {error} ({corpus.dress})")
            return
    except Different as error:
        counts.silent_differences += 1
        counts.failures.append(f"{name}: {error} ({corpus.kind}, {corpus.dress})")
        return
    except Exception:
        counts.tracebacks += 1
        counts.failures.append(f"{name}: {traceback.format_exc()}({corpus.kind}, {corpus.dress})")
        return
    counts.survived += 1


def made(generator: Random, folder: Path) -> Corpus:
    """A corpus, written, and in one of three cases spoilt."""
    kind = generator.choice(KINDS)
    dress = dresses(generator, kind)
    labels = generator.choice(LABELS)
    sentences = {split: truth(generator, kind, count, dress, labels) for split, count in SIZES.items()}
    corpus = Corpus(kind, dress, sentences, reader=reader_of(kind, dress))
    fitting = [spoil for spoil, kinds in SPOILT.items() if kind in kinds]
    if generator.random() < 1 / 3 and fitting:
        generator.choice(fitting)(corpus, generator)
    for split, texts in corpus.sentences.items():
        # Splits come from different hands: their normal form may differ.
        own = replace(dress, normal_form=generator.choice(("NFC", "NFD")))
        corpus.files[split] = write(texts, kind, own, folder / f"{split}.txt")
    return corpus


def must_be_read(corpus: Corpus) -> bool:
    """Whether refusing it would be too strict: it is whole, in UTF-8, and in a scheme that is told."""
    return corpus.reported is None and corpus.dress.encoding.startswith("utf-8")


def compare(corpus: Corpus, generator: Random, folder: Path) -> None:
    """Trains on the corpus and compares with the truth.

    Raises:
        MtlkitError: the corpus is refused.
        Different: it is not, and a result is wrong.
    """
    said: list[str] = []
    experiment = experiment_of(corpus)
    read = load_corpora(load_experiment(experiment).experiment, say=said.append)
    run = mtlkit.train(experiment, folder / "run", device="cpu", say=said.append)
    if corpus.reported is not None:
        if not any(corpus.reported in line for line in said):
            raise Different(f"nothing says '{corpus.reported}'")
        return
    for split, expected in corpus.sentences.items():
        texts = [read.by_task[TASK][split].instance(index) for index in range(len(read.by_task[TASK][split]))]
        found = [(text.words, text.target) for text in texts]
        wanted = [(tuple(map(nfc, text.words)), text.target(corpus.kind)) for text in expected]
        _equal(f"{split} texts", found, wanted)
    gold, predicted, clean = _predictions(folder / "run")
    _equal("gold answers", gold, [_listed(text.target(corpus.kind)) for text in corpus.sentences["test"]])
    seen = {tuple(map(nfc, text.words)) for split in ("train", "dev") for text in corpus.sentences[split]}
    _equal("clean texts", clean, [tuple(map(nfc, text.words)) not in seen for text in corpus.sentences["test"]])
    figures = run.metrics["test"]
    _figures("", figures, scores(corpus.kind, gold, predicted))
    if any(clean) and not all(clean):
        chosen = [index for index, is_clean in enumerate(clean) if is_clean]
        _figures("clean_", figures, scores(corpus.kind, [gold[i] for i in chosen], [predicted[i] for i in chosen]))
    _compare_another_dress(corpus, generator, folder, figures)


def _compare_another_dress(corpus: Corpus, generator: Random, folder: Path, figures: Mapping[str, float]) -> None:
    """The test texts, with other ends of lines, compressed otherwise and in another normal form: the same figures."""
    changes = {
        "newline": generator.choice(("\n", "\r\n")),
        "compression": generator.choice(("none", "gz", "xz")),
        "normal_form": generator.choice(("NFC", "NFD")),
        "encoding": "utf-8-sig",
    }
    if corpus.kind == "spans" and corpus.dress.scheme != "io":
        changes["scheme"] = generator.choice((corpus.dress.scheme, "iob2", "iobes"))
    other = write(corpus.sentences["test"], corpus.kind, replace(corpus.dress, **changes), folder / "other.txt")
    again = mtlkit.evaluate(folder / "run", data={TASK: other}, device="cpu")
    _figures("", again.figures, figures_without_clean(figures))


def figures_without_clean(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures of all texts, by the name of the score."""
    return {
        name.removeprefix(f"{TASK}/"): value
        for name, value in figures.items()
        if name.startswith(f"{TASK}/") and "clean_" not in name and "majority" not in name
    }


def experiment_of(corpus: Corpus) -> dict[str, Any]:
    """A small experiment."""
    head = {"type": "classifier" if corpus.kind == "label" else "crf_tagger"}
    return {
        "tasks": {TASK: {"reader": corpus.reader, **{s: str(f) for s, f in corpus.files.items()}, "head": head}},
        "model": {
            "embedder": {"type": "words", "dim": 4},
            "sharing": {"type": "private", "encoder": {"type": "lstm", "hidden_dim": 4}},
        },
        "trainer": {"epochs": 1, "batch_size": 8, "kernels": "plain", "optimizer": {"type": "adam", "lr": 0.1}},
    }


def scores(kind: Kind, gold: Sequence[Any], predicted: Sequence[Any]) -> dict[str, float]:
    """Accuracy, or the share of right tags and F1 of spans, from the definitions."""
    if kind == "label":
        return {"accuracy": sum(a == b for a, b in zip(gold, predicted, strict=True)) / len(gold)}
    pairs = [pair for one, other in zip(gold, predicted, strict=True) for pair in zip(one, other, strict=True)]
    found = {"token_accuracy": sum(a == b for a, b in pairs) / len(pairs)}
    if kind == "spans":
        true, answered = (
            {(n, *span) for n, one in enumerate(each) for span in spans_of(one)} for each in (gold, predicted)
        )
        both = len(true & answered)
        found["f1"] = 2 * both / (len(true) + len(answered)) if true or answered else 0.0
        found["precision"] = both / len(answered) if answered else 0.0
        found["recall"] = both / len(true) if true else 0.0
    return found


def spans_of(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """The spans of IOB2 tags: a span lasts as long as I- tags of its type follow."""
    found = set()
    for first, tag in enumerate(tags):
        goes_on = first > 0 and tag.startswith("I-") and tags[first - 1][:2] in ("B-", "I-")
        if tag[:2] not in ("B-", "I-") or (goes_on and tags[first - 1][2:] == tag[2:]):
            continue
        after = first + 1
        while after < len(tags) and tags[after] == f"I-{tag[2:]}":
            after += 1
        found.add((tag[2:], first, after))
    return found


def _predictions(run: Path) -> tuple[list[Any], list[Any], list[bool]]:
    """The gold answers, the predicted ones and whether the texts are clean, as the run recorded them."""
    with gzip.open(run / "predictions" / "test" / f"{TASK}.jsonl.gz", "rt", encoding="utf-8") as file:
        _, *lines = map(json.loads, file)
    return [line["gold"] for line in lines], [line["predicted"] for line in lines], [line["clean"] for line in lines]


def _figures(prefix: str, found: Mapping[str, float], wanted: Mapping[str, float]) -> None:
    for name, value in wanted.items():
        written = found.get(f"{TASK}/{prefix}{name}")
        if written is None or abs(written - value) > 1e-9:
            raise Different(f"{prefix}{name} is {written}, and should be {value}")


def _equal(what: str, found: Sequence[Any], wanted: Sequence[Any]) -> None:
    if len(found) != len(wanted):
        raise Different(f"{len(found)} {what}, and should be {len(wanted)}")
    for number, (one, other) in enumerate(zip(found, wanted, strict=True), 1):
        if one != other:
            raise Different(f"{what}: number {number} is {one}, and should be {other}")


def _listed(target: str | tuple[str, ...]) -> str | list[str]:
    return target if isinstance(target, str) else list(target)


def _other_label(mark: Callable[[str], str], said: str) -> Callable[[Corpus, Random], None]:
    """One text of the corpus has a label that looks like another."""

    def spoil(corpus: Corpus, generator: Random) -> None:
        split = generator.choice(list(corpus.sentences))
        texts = corpus.sentences[split]
        place = generator.randrange(len(texts))
        corpus.sentences[split] = relabelled(texts, place, mark(texts[place].label))
        corpus.reported = said

    return spoil


def _one_file_for_two_splits(corpus: Corpus, generator: Random) -> None:
    one, other = generator.sample(list(SIZES), 2)
    corpus.sentences[other] = corpus.sentences[one]
    corpus.reported = "texts"


def _labels_for_texts(corpus: Corpus, generator: Random) -> None:
    """Label and text have changed places."""
    for split, texts in corpus.sentences.items():
        corpus.sentences[split] = [
            replace(text, words=(text.label.replace(" ", "_"),), label=" ".join(text.words)) for text in texts
        ]
    corpus.reported = "label"


SPOILT: Mapping[Callable[[Corpus, Random], None], tuple[Kind, ...]] = {
    _other_label(lambda label: f"{label}\u00a0", "label"): ("label",),
    _other_label(lambda label: f"{label} ", "label"): ("label",),
    _other_label(lambda label: f"\u200b{label}", "label"): ("label",),
    _other_label(lambda label: f"\ufeff{label}", "label"): ("label",),
    _labels_for_texts: ("label",),
    _one_file_for_two_splits: ("spans", "pos", "label"),
}
"""What spoils a corpus, and of which kinds."""
