"""What every embedder promises, and each one's own part."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.config import Lazy
from mtlkit.data.batch import Text
from mtlkit.data.corpus import Corpus
from mtlkit.data.instance import Instance
from mtlkit.data.vectors import Vectors
from mtlkit.data.vocabulary import Vocabulary, VocabularySettings, build_vocabulary
from mtlkit.embedders import (
    CharacterEmbedder,
    CharacterGruEmbedder,
    ConcatenatedEmbedder,
    DatasetEmbedder,
    Embedder,
    WordEmbedder,
)
from mtlkit.errors import ConfigError
from mtlkit.training.precision import autocast

SENTENCES = ("a good film", "not a bad film at all", "good", "extraordinarily bad")
CORPUS = Corpus.from_instances([Instance(tuple(text.split()), "positive") for text in SENTENCES], "label")
VOCABULARY = build_vocabulary({"movie": CORPUS}, VocabularySettings(), None)
WORDS = VOCABULARY["words"]

EMBEDDERS = [
    Lazy.of(WordEmbedder, dim=5),
    Lazy.of(WordEmbedder, dim=5, dropout_over="text"),
    Lazy.of(CharacterEmbedder, dim=4, filters=6, width=3),
    Lazy.of(CharacterEmbedder, dim=4, filters=6, width=4),
    Lazy.of(CharacterGruEmbedder, dim=4, hidden_dim=3),
    Lazy.of(ConcatenatedEmbedder, embedders=[Lazy.of(WordEmbedder, dim=5), Lazy.of(CharacterEmbedder, dim=4)]),
    Lazy.of(DatasetEmbedder, embedder=Lazy.of(WordEmbedder, dim=5), dim=2),
    Lazy.of(DatasetEmbedder, embedder=Lazy.of(WordEmbedder, dim=5), dim=None),
]
each_embedder = pytest.mark.parametrize("lazy", EMBEDDERS, ids=repr)


def build(lazy: Lazy[Embedder], vocabulary: Vocabulary = VOCABULARY) -> Embedder:
    torch.manual_seed(1)
    return lazy.build(vocabulary=vocabulary, vectors=None, fresh=True, tasks=["movie"]).double()


def text(sentences: list[str], extra_words: int = 0, extra_characters: int = 0) -> Text:
    """A batch by hand, with more padding than it needs, and whatever column any of the embedders reads."""
    rows = [sentence.split() for sentence in sentences]
    num_words = max(map(len, rows)) + extra_words
    num_characters = max(len(word) for row in rows for word in row) + extra_characters
    words_BT = torch.zeros(len(rows), num_words, dtype=torch.int64)
    characters_BTC = torch.zeros(len(rows), num_words, num_characters, dtype=torch.int64)
    for i, row in enumerate(rows):
        for j, word in enumerate(row):
            words_BT[i, j] = WORDS.index(word)
            characters = [VOCABULARY["characters"].index(character) for character in word]
            characters_BTC[i, j, : len(word)] = torch.tensor(characters)
    own = {"words": words_BT, "characters": characters_BTC}
    parts = {"0.words": words_BT, "1.characters": characters_BTC, "embedder.words": words_BT}
    return Text(words_BT != 0, own | parts, "movie")


def test_every_registered_embedder_is_tested() -> None:
    ours = [name for name in Embedder.list_available() if Embedder.by_name(name).__module__.startswith("mtlkit.")]
    assert {lazy.type for lazy in EMBEDDERS} == set(ours)


@each_embedder
@given(
    sentences=st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=4),
    extra_words=st.integers(0, 2),
    extra_characters=st.integers(0, 2),
)
def test_each_word_is_embedded_as_if_it_were_alone(
    lazy: Lazy[Embedder], sentences: list[str], extra_words: int, extra_characters: int
) -> None:
    embedder = build(lazy)
    batch = text(sentences, extra_words, extra_characters)
    vectors_BTE = embedder(batch)
    assert vectors_BTE.shape == (*batch.words_BT.shape, embedder.output_dim)
    assert not vectors_BTE[~batch.mask_BT].any()
    alone_NE = torch.cat([embedder(text([word]))[0] for sentence in sentences for word in sentence.split()])
    torch.testing.assert_close(vectors_BTE[batch.mask_BT], alone_NE)


@each_embedder
def test_every_parameter_learns_and_padding_stays_zero(lazy: Lazy[Embedder]) -> None:
    embedder = build(lazy)
    embedder(text(list(SENTENCES), 1, 1)).square().sum().backward()
    for name, parameter in embedder.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
        if name.endswith("table.weight"):
            assert not parameter[0].any() and not parameter.grad[0].any()


@each_embedder
def test_runs_on_the_meta_device_and_in_half_precision(lazy: Lazy[Embedder]) -> None:
    batch = text(["a good film"])
    on_meta = batch.map(lambda tensor: tensor.to("meta"))
    with torch.device("meta"):
        embedder = lazy.build(vocabulary=VOCABULARY, vectors=None, fresh=False, tasks=["movie"])
    assert embedder(on_meta).shape == (1, 3, embedder.output_dim)
    with autocast(torch.device("cpu"), "bf16"):
        assert build(lazy).float()(batch).isfinite().all()


@pytest.fixture
def vectors(tmp_path: Path) -> Vectors:
    file = tmp_path / "vectors.txt"
    file.write_text("film 1 2 3\nunrelated 7 7 7\ngood 4 5 6\n", encoding="utf-8")
    return Vectors.read(file)


@pytest.mark.parametrize("unknown", ["uniform", "zeros"])
def test_pretrained_vectors_are_copied_and_other_rows_begin_as_asked(vectors: Vectors, unknown: str) -> None:
    settings = {"dim": 3, "init_range": 0.25, "unknown": unknown}
    weight = Lazy.of(WordEmbedder, **settings).build(vocabulary=VOCABULARY, vectors=vectors, fresh=True).table.weight
    assert weight[WORDS.index("film")].tolist() == [1, 2, 3]
    assert weight[WORDS.index("good")].tolist() == [4, 5, 6]
    others = weight[[WORDS.index(word) for word in ("<unknown>", "bad", "a", "all", "at", "not")]]
    assert others.abs().max() <= 0.25
    assert bool(others.any()) == (unknown == "uniform")
    assert not weight[0].any()


def test_pretrained_vectors_of_another_size_are_refused(vectors: Vectors) -> None:
    with pytest.raises(ConfigError, match="dim 5, but the pretrained vectors have 3 numbers each; set its dim to 3"):
        WordEmbedder(dim=5, vocabulary=VOCABULARY, vectors=vectors)


def test_frozen_words_get_no_gradient() -> None:
    embedder = WordEmbedder(dim=3, trainable=False, vocabulary=VOCABULARY, vectors=None)
    assert not embedder(text(["a good film"])).requires_grad


def test_an_embedder_asks_for_the_columns_that_it_reads() -> None:
    asked = [list(build(lazy).tables(["a", "film"])) for lazy in EMBEDDERS]
    assert asked == [*[["words"]] * 2, *[["characters"]] * 3, ["0.words", "1.characters"], *[["embedder.words"]] * 2]


@each_embedder
def test_its_columns_are_those_that_are_made_by_hand(lazy: Lazy[Embedder]) -> None:
    forms = list(dict.fromkeys(" ".join(SENTENCES).split()))
    by_hand = text([" ".join(forms)])
    for name, table in build(lazy).tables(forms).items():
        assert table.tolist() == by_hand.columns[name][0].tolist()


def test_concatenation_keeps_the_order() -> None:
    embedder = build(EMBEDDERS[5])
    batch = text(["a good film"])
    words, characters = embedder.get_submodule("embedders")  # type: ignore[misc]
    assert torch.equal(embedder(batch), torch.cat([words(batch), characters(batch)], dim=-1))


def test_a_gru_reads_each_word_from_both_ends() -> None:
    """Step by step, with cells that have the same weights."""
    embedder = build(Lazy.of(CharacterGruEmbedder, dim=4, hidden_dim=3))
    assert isinstance(embedder, CharacterGruEmbedder)
    word = "film"
    vectors_CF = embedder.table(torch.tensor([VOCABULARY["characters"].index(character) for character in word]))
    expected = []
    for gru, steps in ((embedder.rightward, vectors_CF), (embedder.leftward, vectors_CF.flip(0))):
        cell = torch.nn.GRUCell(4, 3).double()
        cell.load_state_dict({name.removesuffix("_l0"): value for name, value in gru.state_dict().items()})
        state_1H = torch.zeros(1, 3, dtype=torch.float64)
        for step_F in steps:
            state_1H = cell(step_F.unsqueeze(0), state_1H)
        expected.append(state_1H[0])
    torch.testing.assert_close(embedder(text([word], 1, 2))[0, 0], torch.cat(expected))


def test_dropout_over_a_text_takes_the_same_units_of_all_its_words() -> None:
    missing: dict[str, int] = {}
    for over in ("word", "text"):
        embedder = build(Lazy.of(WordEmbedder, dim=40, dropout=0.5, dropout_over=over)).train()
        whole_BTE, dropped_BTE = embedder.eval()(sample := text([SENTENCES[1]] * 2)), embedder.train()(sample)
        factors_BTE = dropped_BTE / whole_BTE
        assert set(factors_BTE.round(decimals=6).unique().tolist()) == {0.0, 2.0}
        missing[over] = len({tuple(row.tolist()) for row in (factors_BTE == 0).flatten(0, 1)})
    assert missing["text"] == 2, "one draw for each text"
    assert missing["word"] > 2
