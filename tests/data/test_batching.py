from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.data import BatchStream, Corpus, Instance, TaskSplit, Vocabulary, bucketed_order

TEXTS = [("the", "Cat"), ("a", "dog", "barks"), ("the",), ("extraordinarily",), ("dog", "the", "a", "cat", "cat")]
VOCABULARY = Vocabulary.of(["the", "cat", "dog"], "abcdeght", {"t": ["no", "yes"]})


def ids(forms):
    return {"words": VOCABULARY.word_ids(forms), "characters": VOCABULARY.character_ids(forms)}


def labelled(texts=TEXTS, labels=("yes", "no", None, "maybe", "yes")) -> TaskSplit:
    corpus = Corpus.from_instances([Instance(*made) for made in zip(texts, labels, strict=True)], "label")
    return TaskSplit("t", corpus, VOCABULARY, columns=ids)


def stream_of(num_texts: int, batch_size: int, seed: int = 0) -> BatchStream:
    lengths = [1 + index * 7 % 5 for index in range(num_texts)]
    return BatchStream(labelled([("the",) * n for n in lengths], ["yes"] * num_texts), batch_size, seed)


def seen(stream: BatchStream, num_batches: int) -> list[list[int]]:
    return [stream.next().indices_B.tolist() for _ in range(num_batches)]


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 9), st.none() | st.integers(0, 99))
def test_a_pass_has_every_text_exactly_once(lengths, batch_size, seed):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    batches = bucketed_order(torch.tensor(lengths), batch_size, generator)
    assert sorted(torch.cat(batches).tolist()) == list(range(len(lengths)))
    assert all(0 < len(batch) <= batch_size for batch in batches)
    assert sum(len(batch) < batch_size for batch in batches) <= 1


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 9), st.none() | st.integers(0, 99))
def test_batches_hold_texts_of_like_lengths(lengths, batch_size, seed):
    """Laid end to end by their shortest text, the batches are the sorted corpus: padding is as small as it can be."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    batches = bucketed_order(torch.tensor(lengths), batch_size, generator)
    in_batches = sorted(sorted(lengths[index] for index in batch) for batch in batches)
    assert [length for batch in in_batches for length in batch] == sorted(lengths)


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 9), st.integers(1, 120), st.none() | st.integers(0, 99))
def test_a_budget_of_tokens_bounds_batches_with_their_padding(lengths, batch_size, batch_tokens, seed):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    batches = bucketed_order(torch.tensor(lengths), batch_size, generator, batch_tokens)
    assert sorted(torch.cat(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[index] for index in batch)
        assert 0 < len(batch) <= batch_size
        assert len(batch) * longest <= batch_tokens or len(batch) == 1


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 9), st.integers(1, 120))
def test_no_batch_could_take_the_text_after_it(lengths, batch_size, batch_tokens):
    batches = bucketed_order(torch.tensor(lengths), batch_size, None, batch_tokens)
    for batch, following in pairwise(batches):
        full = len(batch) == batch_size
        assert full or (len(batch) + 1) * lengths[following[0]] > batch_tokens


def test_every_pass_has_as_many_batches_whatever_its_order():
    lengths = torch.randint(1, 40, (200,), generator=torch.Generator().manual_seed(0))
    orders = [bucketed_order(lengths, 8, torch.Generator().manual_seed(seed), 100) for seed in range(5)]
    assert {len(order) for order in orders} == {len(bucketed_order(lengths, 8, None, 100))}


def test_a_batch_is_the_same_with_its_places_on_the_device():
    split = labelled()
    order = [torch.tensor([3, 0]), torch.tensor([4, 1, 2])]
    for indices_B, places_B in zip(order, split.places(order), strict=True):
        one, other = split.batch(indices_B), split.batch(indices_B, places_B)
        assert torch.equal(one.text.words_BT, other.text.words_BT) and torch.equal(one.targets, other.targets)
        assert split.num_tokens(indices_B) == int(one.text.mask_BT.sum())
    assert split.places([]) == []


def test_without_a_generator_the_order_is_sorted_and_stable():
    assert [batch.tolist() for batch in bucketed_order(torch.tensor([3, 1, 3, 2]), 3, None)] == [[1, 3, 0], [2]]


def test_ties_and_batches_are_shuffled():
    orders = [bucketed_order(torch.ones(40), 4, torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    assert [batch.tolist() for batch in orders[0]] != [batch.tolist() for batch in orders[1]]
    firsts = [len(bucketed_order(torch.arange(10), 4, torch.Generator().manual_seed(seed))[0]) for seed in range(30)]
    assert 2 in firsts  # the short batch, of the longest texts, does not always come last


@given(st.integers(1, 30), st.integers(1, 7), st.integers(0, 3))
def test_every_pass_of_a_stream_has_every_text_exactly_once(num_texts, batch_size, seed):
    stream = stream_of(num_texts, batch_size, seed)
    for _ in range(3):
        places = [place for batch in seen(stream, stream.num_batches) for place in batch]
        assert sorted(places) == list(range(num_texts))


@given(st.integers(0, 12), st.integers(0, 12))
def test_a_stream_goes_on_from_its_state(before, after):
    stream = stream_of(13, 4)
    seen(stream, before)
    other = stream_of(13, 4)
    other.load_state_dict(stream.state_dict())
    assert seen(other, after) == seen(stream, after)


def test_passes_and_seeds_differ_and_repeat():
    stream = stream_of(40, 4)
    first, second = seen(stream, 10), seen(stream, 10)
    assert first != second
    assert seen(stream_of(40, 4), 10) == first
    assert seen(stream_of(40, 4, seed=1), 10) != first
    assert stream.state_dict() == {"pass": 1, "position": 10}


def test_the_order_never_changes():
    """A run that is resumed by a later version must go on in the same order."""
    assert seen(stream_of(9, 4), 6) == [[0, 5, 3, 8], [1, 6, 4, 2], [7], [5, 0, 8, 3], [1, 6, 4, 2], [7]]


def test_a_batch_of_labels():
    batch = labelled().batch(torch.tensor([1, 0]))
    assert batch.text.words_BT.tolist() == [[1, 4, 1], [2, 3, 0]]
    assert batch.text.mask_BT.tolist() == [[True, True, True], [True, True, False]]
    assert (batch.targets.tolist(), batch.indices_B.tolist(), batch.task, batch.size) == ([0, 1], [1, 0], "t", 2)
    assert batch.text.words_BT.dtype == batch.targets.dtype == torch.int64


def test_targets_that_are_missing_or_unknown_are_minus_one_but_gold_is_kept():
    split = labelled()
    assert split.batch(torch.arange(5)).targets.tolist() == [1, 0, -1, -1, 1]
    assert [split.gold(index) for index in (0, 2, 3)] == ["yes", None, "maybe"]


def test_a_split_without_targets_has_batches_without():
    assert labelled(labels=[None] * 5).batch(torch.tensor([0])).targets is None


def test_a_batch_of_tags():
    vocabulary = Vocabulary.of(labels={"t": ["B-X", "O"]})
    texts = [Instance(("a", "b"), ("O", "B-X")), Instance(("c", "d", "e"), ("O", "I-X", "O")), Instance(("f",))]
    split = TaskSplit("t", Corpus.from_instances(texts, "tags"), vocabulary)
    batch = split.batch(torch.tensor([0, 1, 2]))
    assert batch.targets.tolist() == [[1, 0, -1], [1, -1, 1], [-1, -1, -1]]
    assert list(batch.text.columns) == ["words"]


def test_characters_are_padded_and_cut_at_24():
    split = labelled()
    characters_BTC = split.batch(torch.tensor([0, 2])).text.characters_BTC
    assert characters_BTC.shape == (2, 2, len("extraordinarily"))
    assert characters_BTC[0, :, :4].tolist() == [[9, 8, 6, 0], [1, 2, 9, 0]]
    assert characters_BTC[1, 1].tolist() == [0] * 15


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_a_batch_is_what_a_loop_would_make(indices):
    split = labelled()
    text = split.batch(torch.tensor(indices)).text
    for row, index in enumerate(indices):
        words = TEXTS[index]
        ids = [VOCABULARY["words"].index(word.lower()) for word in words]
        assert text.words_BT[row][text.mask_BT[row]].tolist() == ids
        assert text.words_BT[row][~text.mask_BT[row]].sum() == 0
        assert text.mask_BT[row].tolist() == [step < len(words) for step in range(text.mask_BT.shape[1])]


def test_a_cut_and_selected_corpus_makes_right_batches():
    corpus = labelled().corpus.cut(2).select(np.array([4, 1]))
    batch = TaskSplit("t", corpus, VOCABULARY).batch(torch.arange(2))
    assert batch.text.words_BT.tolist() == [[4, 2], [1, 4]]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_split_on_a_gpu_makes_the_same_batches():
    on_cpu = labelled()
    on_gpu = TaskSplit("t", on_cpu.corpus, VOCABULARY, columns=ids, device="cuda")
    expected, batch = on_cpu.batch(torch.arange(5)), on_gpu.batch(torch.arange(5))
    assert batch.text.words_BT.is_cuda
    moved = batch.to("cpu")
    assert moved.text.words_BT.equal(expected.text.words_BT)
    assert moved.text.characters_BTC.equal(expected.text.characters_BTC)
    assert moved.targets.equal(expected.targets)
