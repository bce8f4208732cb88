import numpy as np
import pytest

from mtlkit.data import Corpus, Instance, audit
from mtlkit.data.audit import with_lenient_digests


def corpus_of(*texts: str) -> Corpus:
    return Corpus.from_instances([Instance(tuple(text.split()), "x") for text in texts], "label")


CORPORA = {
    "films": {
        "train": corpus_of("A good film", "co - op", "Straße"),
        "test": corpus_of("a GOOD film", "co-op", "STRASSE", "CO -OP", "a goodfilm", "A good film"),
    }
}


@pytest.mark.parametrize(
    ("ignore_case", "ignore_white_space", "clean"),
    [(False, False, 5), (True, False, 3), (False, True, 4), (True, True, 0)],
)
def test_an_audit_takes_texts_for_equal_that_differ_only_so(
    ignore_case: bool, ignore_white_space: bool, clean: int
) -> None:
    found = audit(CORPORA, ignore_case=ignore_case, ignore_white_space=ignore_white_space).tasks["films"]
    assert (found.clean, found.test_in_train) == (clean, 6 - clean)


def test_repeats_and_conflicts_are_counted_so_too() -> None:
    texts = Corpus.from_instances([Instance(("A", "b"), "x"), Instance(("a", "b"), "y")], "label")
    lenient = audit({"t": {"train": texts}}, ignore_case=True).tasks["t"]
    assert (lenient.repeats, lenient.conflicts) == ({"train": 1}, 1)
    exact = audit({"t": {"train": texts}}).tasks["t"]
    assert (exact.repeats, exact.conflicts) == ({"train": 0}, 0)


def test_without_either_the_digests_are_those_of_reading() -> None:
    corpus = CORPORA["films"]["test"]
    same = with_lenient_digests(corpus, ignore_case=False, ignore_white_space=False)
    assert np.array_equal(same.digests, corpus.digests)


def test_a_letter_whose_small_form_is_another_combination_is_equal_too() -> None:
    splits = {"train": corpus_of("J\u030c"), "test": corpus_of("\u01f0")}
    assert audit({"t": splits}, ignore_case=True).total.clean == 0


def test_texts_that_were_cut_are_refused() -> None:
    with pytest.raises(ValueError, match="was cut"):
        audit({"t": {"train": corpus_of("a b", "c").cut(1)}}, ignore_case=True)
