"""The words of an experiment: its pretrained vectors, and the vocabulary of its training data."""

from collections.abc import Iterable, Mapping

from mtlkit.data import Corpus, Vectors, Vocabulary, build_vocabulary
from mtlkit.data.limits import MAX_WORDS
from mtlkit.errors import DataError
from mtlkit.experiment.corpora import Corpora
from mtlkit.experiment.labels import check_number_of_labels, say_odd_labels
from mtlkit.experiment.settings import Experiment
from mtlkit.files import Fingerprint, check_unchanged
from mtlkit.types import Say, silent


def read_vectors(experiment: Experiment, say: Say = silent, fingerprints: Iterable[Fingerprint] = ()) -> Vectors | None:
    """Reads the pretrained vectors; returns None if the vocabulary names no file of them.

    Args:
        experiment: the experiment whose vectors to read.
        say: receives lines about what is being read, and about vectors that are not used (see `Vectors.counts`).
        fingerprints: those of files, taken before; if the file of the vectors is among them, it must still be the same.

    Raises:
        DataError: the file is wrong, or has changed since its fingerprint was taken.
    """
    settings = experiment.vocabulary
    if settings.pretrained is None:
        return None
    say(f"reading vectors: {settings.pretrained}")
    vectors = Vectors.read(settings.pretrained)
    check_unchanged(fingerprints, [settings.pretrained])
    vectors = vectors.normalized(experiment.normalization)
    words, *others = (f"{number:,} {name}" for name, number in vectors.counts().items())
    say(f"vectors: {words}" + (f" (not used: {', '.join(others)})" if others else ""))
    return vectors


def make_vocabulary(experiment: Experiment, corpora: Corpora, vectors: Vectors | None, say: Say = silent) -> Vocabulary:
    """Builds the vocabulary of the training data, and reports its size and how much of it the vectors cover.

    Raises:
        DataError: there are more words, or more labels of a task, than an archive may contain.
    """
    settings, training = experiment.vocabulary, corpora.of_split("train")
    check_number_of_labels(training)
    say_odd_labels(corpora.by_task, say)
    vocabulary = build_vocabulary(training, settings, vectors, experiment.normalization, corpora.tag_schemes)
    if (count := len(vocabulary["words"])) > MAX_WORDS:
        remedy = "set max_words, or pretrained_limit where vectors are pretrained"
        raise DataError(f"vocabulary: has {count:,} words, and may have {MAX_WORDS:,}; {remedy}")
    say(f"vocabulary: {len(vocabulary['words']):,} words")
    if vectors is not None:
        counts = _word_counts(training, vocabulary)
        types, tokens = vectors.coverage(list(counts), counts.values())
        remedy = "" if types else "; see that its words are written as those of the texts"
        say(f"pretrained vectors cover {types:.1%} of the training words, {tokens:.1%} of their occurrences{remedy}")
    return vocabulary


def _word_counts(training: Mapping[str, Corpus], vocabulary: Vocabulary) -> dict[str, int]:
    counts: dict[str, int] = {}
    for corpus in training.values():
        for form, count in zip(corpus.forms, corpus.form_counts().tolist(), strict=True):
            word = vocabulary.word_of(form)
            counts[word] = counts.get(word, 0) + count
    return counts
