import numpy as np

from mtlkit.data import Corpus, Instance, audit, clean_mask, seen_digests


def corpus_of(*texts: str) -> Corpus:
    """Texts of the form `words:label`."""
    made = [text.partition(":") for text in texts]
    return Corpus.from_instances([Instance(tuple(words.split()), label or "x") for words, _, label in made], "label")


CORPORA = {
    "dvd": {
        "train": corpus_of("one", "one", "two two", "clash:x"),
        "dev": corpus_of("three", "two two"),
        "test": corpus_of("one", "three", "two two", "five", "six", "six", "clash:y", "One"),
    },
    "video": {"train": corpus_of("five", "one"), "test": corpus_of("two two", "eight")},
}


def test_leaks_are_counted_by_place():
    dvd = audit(CORPORA).tasks["dvd"]
    assert dvd.sizes == {"train": 4, "dev": 2, "test": 8}
    assert dvd.repeats == {"train": 1, "dev": 0, "test": 1}
    assert (dvd.dev_in_train, dvd.dev_in_others) == (1, {})
    assert (dvd.test_in_train, dvd.test_in_dev, dvd.test_in_own) == (3, 2, 4)
    assert dvd.test_in_others == {"video": 2}
    assert dvd.clean == 3  # six, six, One
    assert dvd.conflicts == 1


def test_a_task_may_lack_a_split():
    video = audit(CORPORA).tasks["video"]
    assert (video.test_in_own, video.test_in_dev, video.test_in_others, video.clean) == (0, 0, {"dvd": 1}, 1)
    untested = audit({"a": {"train": corpus_of("one")}}).tasks["a"]
    assert (untested.clean, untested.test_in_own) == (0, 0)


def test_dev_texts_that_are_trained_on_are_counted_by_task():
    """Dev texts of another task do not count: nothing is learnt from them."""
    report = audit(
        {
            "a": {"train": corpus_of("one", "two"), "dev": corpus_of("one", "one", "three", "four", "five")},
            "b": {"train": corpus_of("three", "one"), "dev": corpus_of("four")},
            "c": {"train": corpus_of("six")},
        }
    )
    assert (report.tasks["a"].dev_in_train, report.tasks["a"].dev_in_others) == (2, {"b": 3})
    assert (report.tasks["b"].dev_in_train, report.tasks["c"].dev_in_train) == (0, 0)
    assert (report.total.dev_in_train, report.total.dev_in_others) == (2, {"a in b": 3})


def test_the_total_adds_up():
    total = audit(CORPORA).total
    assert total.sizes == {"train": 6, "dev": 2, "test": 10}
    assert total.test_in_others == {"dvd in video": 2, "video in dvd": 1}
    assert (total.test_in_own, total.clean, total.conflicts) == (4, 4, 1)


def test_labels_conflict_by_name_not_by_number():
    """Each split numbers its labels by itself."""
    splits = {"train": corpus_of("one:a", "two:b"), "dev": corpus_of("two:b", "one:a")}
    assert audit({"t": splits}).total.conflicts == 0


def test_tags_conflict_too():
    splits = {
        "train": Corpus.from_instances([Instance(("a", "b"), ("O", "X"))], "tags"),
        "dev": Corpus.from_instances([Instance(("a", "b"), ("X", "O")), Instance(("a", "b"), ("O", "X"))], "tags"),
    }
    assert audit({"t": splits}).total.conflicts == 1


def test_clean_mask_of_a_cut_corpus_compares_whole_texts():
    test = corpus_of("one two", "one three").cut(1)
    assert clean_mask(test, seen_digests([corpus_of("one two"), corpus_of("one")])).tolist() == [False, True]
    assert clean_mask(test, seen_digests([])).all()


def test_clean_mask_takes_digests_in_any_order():
    """Those of an archive come from a file."""
    test = corpus_of("one", "two", "three", "four")
    seen = seen_digests([corpus_of("one", "three", "five", "six")])
    for order in (seen, seen[::-1], np.concatenate([seen[::-1], seen])):
        assert clean_mask(test, order).tolist() == [False, True, False, True]
    for least_or_most in (seen[:1], seen[-1:]):
        assert clean_mask(test, least_or_most).tolist() == (~np.isin(test.digests, least_or_most)).tolist()
