"""What embedders compute once for each distinct form gives what word by word gives, and is never out of date."""

import copy
import pickle
from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.data import Corpus, Instance, KeptVectors, TaskSplit, Text, VocabularySettings, build_vocabulary
from mtlkit.data import word_columns as columns_module
from mtlkit.embedders import CharacterEmbedder, CharacterGruEmbedder, ConcatenatedEmbedder, Embedder

TEXTS = [
    "a good film ... a film",
    "not good at all ...",
    "a",
    "1000 hmmm a 1000 1000 not a good extraordinary film",
]
CORPUS = Corpus.from_instances([Instance(tuple(text.split()), "x") for text in TEXTS], "label")
VOCABULARY = build_vocabulary({"t": CORPUS}, VocabularySettings(), None)

CNN = Lazy.of(CharacterEmbedder, dim=4, filters=6)
GRU = Lazy.of(CharacterGruEmbedder, dim=4, hidden_dim=3)
BOTH = Lazy.of(ConcatenatedEmbedder, embedders=[CNN, Lazy.of(ConcatenatedEmbedder, embedders=[GRU])])
each_embedder = pytest.mark.parametrize("lazy", [CNN, GRU, BOTH], ids=["cnn", "gru", "nested"])


def build(lazy: Lazy[Embedder]) -> Embedder:
    torch.manual_seed(1)
    return lazy.build(vocabulary=VOCABULARY, vectors=None, fresh=True).double()


def split_for(embedder: Embedder) -> TaskSplit:
    return TaskSplit("t", CORPUS, VOCABULARY, columns=embedder.tables)


def word_by_word(text: Text) -> Text:
    """Texts with columns as anybody can put them together, of which it is not known which words are equal."""
    return Text(text.mask_BT, dict(text.columns))


class Counting(nn.Module):
    """Sums up a word's characters, and counts of how many words it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.seen: Counter[tuple[int, ...]] = Counter()

    def forward(self, text: Text) -> Tensor:
        return text.once_per_form("characters", self, self.vectors_of)

    def vectors_of(self, characters_WC: Tensor) -> Tensor:
        self.seen.update(map(tuple, characters_WC.tolist()))
        return self.scale * characters_WC.sum(dim=1, keepdim=True).float()


@pytest.fixture
def split() -> TaskSplit:
    return TaskSplit("t", CORPUS, VOCABULARY, columns=lambda forms: {"characters": VOCABULARY.character_ids(forms)})


@each_embedder
def test_vectors_and_gradients_are_those_of_word_by_word(lazy):
    embedder = build(lazy)
    text = split_for(embedder).batch(torch.tensor([3, 0, 1])).text
    results = [embedder(each) for each in (text, word_by_word(text))]
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)
    weights = torch.linspace(-1, 2, results[0].numel(), dtype=torch.float64).view_as(results[0])
    gradients = [torch.autograd.grad((result * weights).sum(), list(embedder.parameters())) for result in results]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


@each_embedder
@pytest.mark.parametrize("without_gradients", [torch.no_grad, torch.inference_mode])
def test_a_pass_that_keeps_vectors_gives_those_of_word_by_word(lazy, without_gradients):
    embedder, kept = build(lazy).eval(), KeptVectors()
    split = split_for(embedder)
    with without_gradients():
        for indices in ([0], [2, 1], [3, 0], [1]):
            text = split.batch(torch.tensor(indices), kept=kept).text
            torch.testing.assert_close(embedder(text), embedder(word_by_word(text)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [CharacterEmbedder, CharacterGruEmbedder])
def test_with_dropout_each_occurrence_has_a_draw_of_its_own_and_the_draws_are_as_before(kind):
    embedder = build(Lazy.of(kind, dim=4, dropout=0.5)).train()
    text = split_for(embedder).batch(torch.tensor([0])).text  # `a good film ... a film`
    torch.manual_seed(7)
    vectors_TE = embedder(text)[0]
    after = torch.rand(1)
    assert not torch.equal(vectors_TE[0], vectors_TE[4]) and not torch.equal(vectors_TE[2], vectors_TE[5])
    torch.manual_seed(7)
    characters_WC = text.characters_BTC.flatten(0, 1)
    expected_TE = (embedder._plain if kind is CharacterEmbedder else embedder._vectors)(characters_WC)
    torch.testing.assert_close(vectors_TE, expected_TE, rtol=1e-12, atol=1e-12)
    assert torch.equal(after, torch.rand(1))


def test_a_batch_computes_each_of_its_forms_once(split):
    counting = Counting()
    vectors_BT1 = counting(split.batch(torch.tensor([3, 0])).text)
    assert set(counting.seen.values()) == {1}
    assert len(counting.seen) == len(set((TEXTS[3] + " " + TEXTS[0]).split())) + 1, "with padding"
    assert vectors_BT1.requires_grad


def test_a_pass_computes_each_form_of_the_split_once(split):
    counting, kept = Counting(), KeptVectors()
    with torch.no_grad():
        for indices in ([0, 1], [2], [3, 1], [0]):
            counting(split.batch(torch.tensor(indices), kept=kept).text)
    assert set(counting.seen.values()) == {1} and len(counting.seen) == len(CORPUS.forms) + 1
    with torch.no_grad():
        counting(split.batch(torch.tensor([0]), kept=KeptVectors()).text)
    assert 2 in counting.seen.values(), "another pass begins anew"


def test_with_gradients_nothing_is_kept(split):
    counting, kept = Counting(), KeptVectors()
    with torch.no_grad():
        counting(split.batch(torch.tensor([0]), kept=kept).text)
    assert counting(split.batch(torch.tensor([0]), kept=kept).text).requires_grad


def test_kept_vectors_follow_a_change_that_no_version_counts(split):
    counting, kept = Counting(), KeptVectors()
    with torch.no_grad():
        before = counting(split.batch(torch.tensor([0]), kept=kept).text)
        version = counting.scale._version
        counting.scale.data.mul_(2)
        assert counting.scale._version == version
        assert torch.equal(counting(split.batch(torch.tensor([0]), kept=kept).text), 2 * before)


def test_vectors_that_would_take_too_much_memory_are_not_kept(split, monkeypatch):
    counting, kept = Counting(), KeptVectors()
    monkeypatch.setattr(columns_module, "MOST_KEPT_BYTES", 4 * len(CORPUS.forms))
    with torch.no_grad():
        for _ in range(2):
            text = split.batch(torch.tensor([0, 3]), kept=kept).text
            assert torch.equal(counting(text), counting.vectors_of(text.characters_BTC.flatten(0, 1)).view(2, -1, 1))
        counting.seen.clear()
        counting(text)
    assert set(counting.seen.values()) == {1}, "still once in a batch"


def test_two_modules_keep_vectors_of_their_own(split):
    kept = KeptVectors()
    one, other = Counting(), Counting()
    other.scale.data.fill_(3.0)
    with torch.no_grad():
        text = split.batch(torch.tensor([0]), kept=kept).text
        assert torch.equal(3 * one(text), other(text))


@pytest.mark.parametrize("how", ["replace", "map"])
def test_texts_that_somebody_changed_are_computed_word_by_word(split, how):
    counting = Counting()
    text = split.batch(torch.tensor([0])).text
    if how == "replace":
        characters_BTC = text.characters_BTC.clone()
        characters_BTC[0, 0] = 9  # the first `a`, and not the second
        text = replace(text, columns={**text.columns, "characters": characters_BTC})
    else:
        text = text.map(lambda tensor: tensor.flip(1))
    assert torch.equal(counting(text)[..., 0], text.characters_BTC.sum(dim=2).float())


def test_a_column_that_nobody_asked_for_is_named(split):
    text = split.batch(torch.tensor([0])).text
    with pytest.raises(Exception, match="reads the column 'pieces', and its method `columns` does not give it"):
        text.once_per_form("pieces", Counting(), lambda rows: rows)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda text: pickle.loads(pickle.dumps(text))])
def test_a_copy_of_a_batch_does_not_carry_the_whole_split(split, copied):
    text = split.batch(torch.tensor([0])).text
    other = copied(text)
    assert type(other.columns) is dict and torch.equal(other.characters_BTC, text.characters_BTC)
