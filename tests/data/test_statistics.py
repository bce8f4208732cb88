import pytest

from mtlkit.data import Corpus, Instance, statistics


def corpus_of(*texts: tuple[str, str]) -> Corpus:
    return Corpus.from_instances([Instance(tuple(words.split()), label) for words, label in texts], "label")


def test_figures_of_each_split():
    train = corpus_of(("a b a", "no"), ("c", "yes"), ("a d", "yes"))
    test = corpus_of(("a x A c x", "yes"))
    first, second = statistics({"t": {"train": train, "test": test}})
    assert (first.task, first.split, first.texts, first.tokens) == ("t", "train", 3, 6)
    assert (first.mean_length, first.median_length, first.max_length) == (2.0, 2.0, 3)
    assert list(first.labels.items()) == [("yes", 2), ("no", 1)]
    assert (first.distinct_words, first.unknown_share) == (4, None)
    assert second.unknown_share == pytest.approx(0.6)  # x, A, x


def test_words_that_a_cut_took_from_train_are_unknown():
    train, test = corpus_of(("a b", "x")).cut(1), corpus_of(("a b", "x"))
    assert [figures.distinct_words for figures in statistics({"t": {"train": train, "test": test}})] == [1, 2]
    assert statistics({"t": {"train": train, "test": test}})[1].unknown_share == 0.5
    assert statistics({"t": {"test": test}})[0].unknown_share is None
