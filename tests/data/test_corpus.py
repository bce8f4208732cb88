from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.data import Corpus, Instance, Skipped

WORDS = st.lists(st.text("ab\\\u2028é", min_size=1, max_size=3), min_size=1, max_size=5).map(tuple)
LABELLED = st.builds(Instance, WORDS, st.none() | st.sampled_from(["no", "yes"]))
TAGGED = WORDS.flatmap(
    lambda words: st.builds(
        Instance, st.just(words), st.none() | st.tuples(*[st.sampled_from(["O", "B-X"])] * len(words))
    )
)
CORPORA = st.one_of(
    st.tuples(st.lists(LABELLED, min_size=1, max_size=6), st.just("label")),
    st.tuples(st.lists(TAGGED, min_size=1, max_size=6), st.just("tags")),
)


def instances_of(corpus: Corpus) -> list[Instance]:
    return [corpus.instance(index) for index in range(len(corpus))]


@given(CORPORA)
def test_a_corpus_gives_its_instances_back(made):
    instances, kind = made
    corpus = Corpus.from_instances(instances, kind)
    assert instances_of(corpus) == instances
    assert corpus.lengths.tolist() == [len(instance.words) for instance in instances]


@given(CORPORA, st.data())
def test_select_gives_the_chosen_instances_in_order(made, data):
    instances, kind = made
    chosen = data.draw(st.lists(st.integers(0, len(instances) - 1), max_size=8))
    corpus = Corpus.from_instances(instances, kind)
    selected = corpus.select(np.array(chosen, np.int64))
    assert instances_of(selected) == [instances[index] for index in chosen]
    assert selected.digests.tolist() == corpus.digests[chosen].tolist()


@given(CORPORA, st.integers(1, 6))
def test_cut_keeps_first_words_and_whole_digests(made, max_length):
    instances, kind = made
    corpus = Corpus.from_instances(instances, kind)
    cut = corpus.cut(max_length)
    for before, after in zip(instances, instances_of(cut), strict=True):
        assert after.words == before.words[:max_length]
        target = before.target
        assert after.target == (target[:max_length] if isinstance(target, tuple) else target)
    assert cut.digests.tolist() == corpus.digests.tolist()


@given(CORPORA, st.integers(0, 8))
def test_head_is_a_prefix(made, limit):
    instances, kind = made
    assert instances_of(Corpus.from_instances(instances, kind).head(limit)) == instances[:limit]


def test_equal_words_and_only_they_have_equal_digests():
    texts = [("a", "b"), ("a", "b"), ("a", "B"), ("ab",), ("a",), ("b", "a")]
    digests = Corpus.from_instances([Instance(words) for words in texts], "label").digests.tolist()
    assert digests[0] == digests[1]
    assert len(set(digests)) == 5


def test_digests_never_change():
    """They are stored in caches and compared across machines."""
    corpus = Corpus.from_instances([Instance(("good", "fun")), Instance(("œuvre",))], "label")
    assert corpus.digests.tolist() == [1952009268043643044, -8904055560015491258]


def test_counts_of_forms_and_labels_follow_a_cut():
    corpus = Corpus.from_instances([Instance(("a", "b", "a"), ("O", "B-X", "O"))], "tags")
    assert corpus.form_counts().tolist() == [2, 1]
    assert corpus.label_counts() == {"O": 2, "B-X": 1}
    assert corpus.cut(1).form_counts().tolist() == [1, 0]
    assert corpus.cut(1).label_counts() == {"O": 1}


def test_columns_have_the_promised_types():
    corpus = Corpus.from_instances([Instance(("a", "b"), "yes"), Instance(("b",))], "label")
    assert (corpus.forms, corpus.labels, corpus.targets.tolist()) == (["a", "b"], ["yes"], [0, -1])
    types = {corpus.tokens.dtype, corpus.targets.dtype}, {corpus.offsets.dtype, corpus.digests.dtype}
    assert types == ({np.dtype(np.int32)}, {np.dtype(np.int64)})
    assert all(start < end for start, end in pairwise(corpus.offsets))


def test_a_target_of_the_wrong_kind_is_refused():
    with pytest.raises(ValueError, match="promises 'tags'"):
        Corpus.from_instances([Instance(("a",), "yes")], "tags")


@pytest.mark.parametrize(
    ("words", "target"), [((), None), (("a", ""), None), (("a", "b"), ("O",))], ids=["none", "empty word", "tags"]
)
def test_impossible_instances_are_refused(words, target):
    with pytest.raises(ValueError, match="word"):
        Instance(words, target)


def test_an_identity_is_that_of_the_texts_in_their_order() -> None:
    def identity(*texts: str, target: str | None = None) -> str:
        return Corpus.from_instances([Instance(tuple(text.split()), target) for text in texts], "label").identity

    assert identity("a b", "c") == identity("a b", "c", target="x") != identity("c", "a b")
    assert identity("a b", "c") not in (identity("a", "b c"), identity("a b"))
    whole = Corpus.from_instances([Instance(("a", "b")), Instance(("c",))], "label")
    assert whole.cut(1).identity == whole.identity != whole.head(1).identity


def test_targets_have_an_identity_of_their_own_in_their_order() -> None:
    def identity(*targets: str | None, before: Sequence[str] = ()) -> str:
        texts = [Instance((f"w{place}",), target) for place, target in enumerate([*before, *targets])]
        return Corpus.from_instances(texts, "label").select(np.arange(len(before), len(texts))).target_identity

    assert identity("x", "y") == identity("x", "y", before=["z", "y"]), "whatever else stood in the file"
    assert len({identity("x", "y"), identity("y", "x"), identity("x", "x"), identity("x", None)}) == 4
    tagged = [Corpus.from_instances([Instance(("a", "b"), tags)], "tags") for tags in (("x", "y"), ("y", "x"))]
    assert tagged[0].target_identity != tagged[1].target_identity


def test_places_are_those_among_the_texts_that_were_read():
    """Whatever is left out, chosen, or put behind other texts."""
    left_out = Skipped("without words")
    corpus = Corpus.from_instances([left_out, Instance(("a",), "x"), left_out, Instance(("b",), "y")], "label")
    assert (corpus.places.tolist(), corpus.num_read) == ([1, 3], 4)
    kept = corpus.keep(np.array([1]), "by choice")
    assert (kept.places.tolist(), kept.num_read) == ([3], 4)
    joined = Corpus.joined([kept, corpus, corpus.cut(1)])
    assert (joined.places.tolist(), joined.num_read) == ([3, 5, 7, 9, 11], 12)
    assert joined.select(np.array([4, 0])).places.tolist() == [11, 3] and joined.places.dtype == np.int32
