"""States equal those of `transformers`, called directly on the same texts.

Shapes: B texts, T words, P tokens, H size of a state.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from mtlkit_transformers import TransformerEmbedder
from torch import Tensor

import mtlkit
from mtlkit.config import Lazy
from mtlkit.testing import check_component

TEXTS = [
    ["The", "film", "was", "GREAT", ",", "and", "the", "music", "too"],
    ["naïve", "naïve", "São", "🙂", "中国", "it's", "long-winded"],
    ["a", "\u200b", "unreadable", "", "\u00ad", "zero\u200bwidth", "👩\u200d💻"],
    ["one"],
]
KINDS = ["word_pieces", "byte_pairs", "sentence_pieces"]


def embedder(folder: Path, **settings: Any) -> TransformerEmbedder:
    return (
        Lazy.of(TransformerEmbedder, model=str(folder), **settings)
        .build(vocabulary=None, vectors=None, fresh=True)
        .eval()
    )


def text_of(texts: list[list[str]], built: TransformerEmbedder) -> mtlkit.Text:
    """A batch of texts, as mtlkit makes it."""
    forms = sorted({word for text in texts for word in text})
    tables = {name: torch.from_numpy(table).long() for name, table in built.tables(forms).items()}
    mask_BT = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.bool)
    columns = {name: table.new_zeros(*mask_BT.shape, *table.shape[1:]) for name, table in tables.items()}
    for row, text in enumerate(texts):
        mask_BT[row, : len(text)] = True
        for name, table in tables.items():
            columns[name][row, : len(text)] = table[[forms.index(word) for word in text]]
    return mtlkit.Text(mask_BT, columns)


def directly(folder: Path, text: list[str], pooling: str, layer: int | str) -> Tensor:
    """The states (T, H) of a text by `AutoModel` and `AutoTokenizer` alone."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, add_prefix_space=True)
    encoder = AutoModel.from_pretrained(folder).eval()
    encoded = tokenizer(text, is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        read = encoder(
            input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"], output_hidden_states=True
        )
    states_PH = torch.stack(read.hidden_states).mean(0) if layer == "mix" else read.hidden_states[layer]
    words = encoded.word_ids(0)
    pooled = []
    for number in range(len(text)):
        own = states_PH[0, [place for place, word in enumerate(words) if word == number]]
        if not len(own):
            pooled.append(states_PH.new_zeros(states_PH.shape[-1]))
        elif pooling in ("first", "last"):
            pooled.append(own[0 if pooling == "first" else -1])
        else:
            pooled.append(own.mean(0) if pooling == "mean" else own.amax(0))
    return torch.stack(pooled)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pooling", ["first", "last", "mean", "max"])
@pytest.mark.parametrize("trainable", [True, False])
def test_states_are_those_of_transformers(encoders: dict[str, Path], kind: str, pooling: str, trainable: bool) -> None:
    built = embedder(encoders[kind], pooling=pooling, trainable=trainable)
    with torch.no_grad():
        found = built(text_of(TEXTS, built))
    for row, text in enumerate(TEXTS):
        expected = directly(encoders[kind], text, pooling, -1)
        torch.testing.assert_close(found[row, : len(text)], expected, rtol=0, atol=1e-6)
        assert not found[row, len(text) :].any()


@pytest.mark.parametrize("layer", [0, 1, -2, "mix"])
def test_layers_are_those_of_transformers(encoders: dict[str, Path], layer: int | str) -> None:
    built = embedder(encoders["word_pieces"], layers=layer)
    with torch.no_grad():
        found = built(text_of(TEXTS, built))
    for row, text in enumerate(TEXTS):
        expected = directly(encoders["word_pieces"], text, "mean", layer)
        torch.testing.assert_close(found[row, : len(text)], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_as_long_as_the_encoder_reads_is_one_window(encoders: dict[str, Path], kind: str) -> None:
    """38 pieces and two special tokens are 40, the limit of all three, also of those that count from the padding id."""
    built = embedder(encoders[kind])
    text = ["a"] * 100
    pieces = int((text_of([text], built).column("pieces") > 0).sum()) // 100
    text = text[: 38 // pieces]
    found = built(text_of([text], built))[0]
    torch.testing.assert_close(found, directly(encoders[kind], text, "mean", -1), rtol=0, atol=1e-6)
    assert built.room == 38


@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"layers": "mix", "pooling": "max"},
        {"layers": 1, "pooling": "first"},
        {"window": 7, "overlap": 3, "pooling": "last"},
        {"window": 6, "long_texts": "cut", "dropout": 0.3},
    ],
)
def test_it_keeps_the_promises_of_embedders(
    encoders: dict[str, Path], trainable: bool, settings: dict[str, Any]
) -> None:
    model = str(encoders["byte_pairs"])
    check_component(mtlkit.Embedder, {"type": "transformer", "model": model, "trainable": trainable, **settings})


def test_a_tuned_encoder_is_in_training_mode_from_the_first_step_on(encoders: dict[str, Path]) -> None:
    """As loaded by `transformers` it is not, and would train without dropout until the first evaluation."""
    model = str(encoders["word_pieces"])
    built = Lazy.of(TransformerEmbedder, model=model).build(vocabulary=None, vectors=None, fresh=True)
    assert built.training and all(module.training for module in built.modules())
