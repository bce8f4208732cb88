"""Checks of dataset readers, tokenisers and metrics."""

from pathlib import Path

import numpy

from mtlkit.config import Lazy
from mtlkit.data import DatasetReader, Instance, Target, Tokenizer, build_reader
from mtlkit.data.instance import BETWEEN_TEXTS
from mtlkit.errors import DataError
from mtlkit.figures import score_problem
from mtlkit.files.ownership import temporary_folder
from mtlkit.metrics import AdditiveMetric, Metric
from mtlkit.testing.promises import doing, promise

TEXT, PAIR = "good fun , but long", "good fun\tbut long"
TEXTS = (TEXT, "Don't!!! 3.5 :-)", "a\tb\n c", "naïve Ⅻ 漢字")
BLANK = " \t\n"
KINDS = ("label", "tags")
GOLD: dict[str, list[Target]] = {"label": ["x", "y", "x"], "tags": [("B-x", "I-x", "O"), ("B-y",), ("O", "B-x")]}
WRONG: dict[str, list[Target]] = {"label": ["y", "x", "y"], "tags": [("O", "O", "B-x"), ("O",), ("B-x", "O")]}


def check_dataset_reader(lazy: Lazy[DatasetReader]) -> None:
    """Checks that files are paths, that raw text is split into words, and that user errors raise DataError."""
    with doing("when it is built"):
        reader = build_reader(lazy, "nfc")
    promise(reader.target_kind in KINDS, f"its target_kind is {reader.target_kind!r}, not one of {KINDS}")
    renames_by, settings = reader.renames_by, type(lazy.settings).model_fields
    promise(renames_by in (None, *settings), f"renames_by names a setting that it does not have: {renames_by!r}")
    with doing("asked for the files of the source 'train'"):
        files = reader.files("train")
    promise(all(isinstance(file, Path) for file in files), "files() gives something that is no Path")
    with doing("given a raw text to parse"):
        instance = reader.parse(PAIR if reader.reads_pairs else TEXT)
    promise(isinstance(instance, Instance) and bool(instance.words), "parse() gives no words for a raw text")
    is_pair = instance.words.count(BETWEEN_TEXTS) == 1
    promise(is_pair == reader.reads_pairs, f"reads_pairs is {reader.reads_pairs}, and parse() gives {instance.words}")
    with doing("given a blank text to parse, where a DataError is due,"):
        _or_data_error(reader, BLANK)
    if not reader.fetches:
        _check_missing_file(reader)


def _or_data_error(reader: DatasetReader, text: str) -> None:
    try:
        reader.parse(text)
    except DataError:
        return


def _check_missing_file(reader: DatasetReader) -> None:
    with temporary_folder() as folder, doing("for a missing file, where a DataError is due,"):
        missing = Path(folder) / "missing.txt"
        try:
            num_instances = len(list(reader.read(str(missing))))
        except DataError as error:
            promise(missing.name in str(error), f"its error for a missing file does not name the file: {error}")
            return
    promise(False, f"for a missing file it gives {num_instances} instances instead of a DataError")


def check_tokenizer(lazy: Lazy[Tokenizer]) -> None:
    """Checks that a tokeniser returns non-empty words, and the same words every time."""
    with doing("when it is built"):
        tokenizer = lazy.build()
    for text in TEXTS:
        with doing(f"for {text!r}"):
            words = tokenizer.tokenize(text)
        promise(isinstance(words, list) and all(isinstance(word, str) for word in words), "it gives no list of strings")
        promise("" not in words, f"for {text!r} it gives an empty word")
        promise(tokenizer.tokenize(text) == words, f"for {text!r} it gives other words the second time")
    promise(bool(tokenizer.tokenize(TEXT)), f"for {TEXT!r} it gives no words")
    for text in ("", BLANK):
        with doing(f"for {text!r}"):
            words = tokenizer.tokenize(text)
        promise(words == [], f"for {text!r} it gives {words} instead of an empty list")


def check_metric(lazy: Lazy[Metric]) -> None:
    """Checks that scores are fractions, that they are 1 for perfect predictions, and that the headline is one
    of them.
    """
    component = lazy.component
    promise(getattr(component, "target_kind", None) in KINDS, f"its class must say target_kind, one of {KINDS}")
    gold, wrong = GOLD[component.target_kind], WRONG[component.target_kind]
    if issubclass(component, AdditiveMetric):
        _check_counts(lazy, [*zip([*gold, *wrong], gold * 2, strict=True)])
    perfect = _scores(lazy, [(gold, gold)])
    promise(getattr(component, "headline", None) in perfect, f"its headline must be one of its scores: {list(perfect)}")
    for name in perfect:
        promise((problem := score_problem(name)) is None, f"its scores need other names: {problem}")
    headline = component.headline
    promise(perfect[headline] == 1, f"for perfect predictions its headline is {perfect[headline]}, not 1")
    promise(
        _scores(lazy, [(wrong, gold)])[headline] < 1, "for wrong predictions its headline is as good as for right ones"
    )
    for scores in (perfect, _scores(lazy, [(wrong, gold)]), _scores(lazy, []), _scores(lazy, [([], [])])):
        promise(
            scores.keys() == perfect.keys(), f"its scores are {list(scores)} at one time, {list(perfect)} at another"
        )
        sound = all(0 <= score <= 1 for score in scores.values())
        promise(sound, f"its scores are not fractions from 0 to 1: {scores}")
    promise(not any(_scores(lazy, []).values()), "its scores are not 0 where there was nothing to count")
    mixed = [*wrong[:1], *gold[1:]]
    whole, parts = _scores(lazy, [(mixed, gold)]), _scores(lazy, [(mixed[:1], gold[:1]), (mixed[1:], gold[1:])])
    promise(whole == parts, "its scores depend on how the texts were cut into batches")
    _check_lengths(lazy, gold)


def _check_counts(lazy: Lazy[Metric], pairs: list[tuple[Target, Target]]) -> None:
    """Checks that scoring many sums at once gives the same scores as scoring them one by one, which resampling relies
    on.
    """
    metric = lazy.build()
    assert isinstance(metric, AdditiveMetric), "what the caller has asked"
    with doing("asked for the counts of single texts"):
        counts = [metric.counts(answer, truth) for answer, truth in pairs]
    sizes = {len(each) for each in counts}
    promise(sizes == {len(metric.counted)}, f"it counts {metric.counted}, but gives {sorted(sizes)} counts of a text")
    sums = numpy.cumsum(numpy.array([[0] * len(metric.counted), *counts], float), axis=0)
    with doing("asked for the scores of several sums at once"):
        together = metric.scores(sums.T)
    for place in range(len(sums)):
        with doing("asked for the scores of one sum"):
            alone = metric.scores(sums[place])
        for name, score in alone.items():
            same = numpy.shape(together[name]) == (len(sums),) and together[name][place] == score
            promise(bool(same), f"its {name} of one of several sums is another than that of the same sum alone")


def _scores(lazy: Lazy[Metric], batches: list[tuple[list[Target], list[Target]]]) -> dict[str, float]:
    with doing(f"with {len(batches)} batches"):
        metric = lazy.build()
        for predicted, gold in batches:
            metric.update(predicted, gold)
        return metric.compute()


def _check_lengths(lazy: Lazy[Metric], gold: list[Target]) -> None:
    try:
        lazy.build().update(gold[:1], gold)
    except ValueError:
        return
    promise(False, "it takes fewer predictions than gold targets without a ValueError")
