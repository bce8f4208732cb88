"""Words to pieces, by the tokenizer of a pretrained encoder.

Shapes: F distinct surface forms, C pieces of the longest form.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import NDArray

from mtlkit.data.instance import BETWEEN_TEXTS
from mtlkit.errors import ConfigError
from mtlkit_transformers.configuration import json_object

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

KNOWN_PARTS = frozenset(
    {
        *("Sequence", "BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "Strip", "StripAccents"),
        *("Precompiled", "Prepend", "Replace", "ByteLevel", "BertPreTokenizer", "Metaspace", "Whitespace"),
        *("WhitespaceSplit", "Punctuation", "Digits", "WordPiece", "BPE", "Unigram", "WordLevel", "RobertaProcessing"),
        *("BertProcessing", "TemplateProcessing", "BPEDecoder", "ByteFallback", "Fuse", "CTC", "Split"),
    }
)
"""The parts of tokenizers that are used. None of them runs code, and none takes long for a short word."""
KNOWN_PATTERNS = frozenset({" {2,}", r"\s+", "▁", " "})
"""The regular expressions that a tokenizer may have. The engine of `tokenizers` backtracks without a limit."""
MAX_FORM = 1_000
"""The maximum number of characters of a word that are cut into pieces; the rest is left out."""


@final
class Pieces:
    """Cuts words into pieces as a pretrained encoder was trained to read them.

    Every word is cut alone, as if a space preceded it, as `transformers` does for `is_split_into_words=True`.

    Args:
        text: the tokenizer, as the JSON that `tokenizers` writes.
        padding: the id of the padding token.

    Raises:
        ConfigError: the tokenizer has parts or patterns that are not known to be harmless.
    """

    def __init__(self, text: str, padding: int) -> None:
        self.text, self.padding = text, padding
        self._tokenizer = _tokenizer(text)
        self.before, self.after = self._special_tokens()
        self.between, self.has_segments = self._between_texts()
        """The ids between the two texts of a pair, or None if the tokenizer joins no texts; and whether the second text
        is then of another segment than the first.
        """
        self.largest_id = max(padding, *self._tokenizer.get_vocab().values())
        """The largest id, for which an encoder must have a row."""

    @classmethod
    def of(cls, folder: "Path") -> Self:
        """Reads the tokenizer of a pretrained encoder.

        Raises:
            ConfigError: there is none, or it is not known to be harmless. The message is to follow the encoder's name.
        """
        from transformers import AutoTokenizer

        try:
            # A space before each word, also before the first: the encoder has met the words of texts like that.
            tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, add_prefix_space=True
            )
            text = tokenizer.backend_tokenizer.to_str()
        except (OSError, ValueError, AttributeError, ImportError, KeyError, TypeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ConfigError(f"its tokenizer cannot be read ({reason})") from None
        return cls(text, tokenizer.pad_token_id or 0)

    def table(self, forms: Sequence[str], most: int) -> NDArray[np.int32]:
        """Returns the pieces of forms as an array (F, C) of ids plus 1, with 0 after the last piece of a form.

        Args:
            forms: F distinct surface forms.
            most: the maximum number of pieces of a form; further pieces are left out.

        Raises:
            ConfigError: the forms are of pairs of texts, which the tokenizer does not join.
        """
        words = [[form[:MAX_FORM]] for form in forms]
        found = self._tokenizer.encode_batch_fast(words, is_pretokenized=True, add_special_tokens=False)
        ids = [each.ids[:most] for each in found]
        if BETWEEN_TEXTS in forms:
            if self.between is None:
                raise ConfigError("the encoder's tokenizer does not join two texts, as a task with pairs needs it")
            ids[forms.index(BETWEEN_TEXTS)] = self.between
        table = np.zeros((len(forms), max(1, *map(len, ids)) if ids else 1), np.int32)
        for row, pieces in zip(table, ids, strict=True):
            row[: len(pieces)] = pieces
            row[: len(pieces)] += 1
        return table

    def _special_tokens(self) -> tuple[list[int], list[int]]:
        """The ids that stand before and after the pieces of a text."""
        bare = self._tokenizer.encode(["a"], is_pretokenized=True, add_special_tokens=False).ids
        whole = self._tokenizer.encode(["a"], is_pretokenized=True).ids
        start = next((at for at in range(len(whole)) if whole[at : at + len(bare)] == bare), None)
        if not bare or start is None:
            raise ConfigError("its tokenizer does not keep the letter a; use another encoder")
        return whole[:start], whole[start + len(bare) :]

    def _between_texts(self) -> tuple[list[int] | None, bool]:
        """The ids between two texts, and whether the second text is of segment 1; None if they are not joined so."""
        bare = self._tokenizer.encode(["a"], is_pretokenized=True, add_special_tokens=False).ids
        pair = self._tokenizer.encode(["a"], ["a"], is_pretokenized=True)
        first, second = [*self.before, *bare], [*bare, *self.after]
        between = pair.ids[len(first) : len(pair.ids) - len(second)]
        start = len(first) + len(between)
        zeros, ones = [0] * start, [1] * len(second)
        known = pair.type_ids in ([*zeros, *ones], [0] * len(pair.ids))
        if not between or not known or [*first, *between, *second] != pair.ids:
            return None, False
        return between, pair.type_ids[start:] == ones


def _tokenizer(text: str) -> "Tokenizer":
    """Builds a tokenizer after a look at its parts."""
    # Otherwise it uses all processors, and warns when a process that has used it is forked.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    value = json_object(text, "tokenizer")
    for part in ("normalizer", "pre_tokenizer", "post_processor", "model"):
        for each in _objects(value.get(part) if part != "model" else _without_tables(value.get(part))):
            kind, pattern = each.get("type"), each.get("Regex")
            if isinstance(kind, str) and kind not in KNOWN_PARTS:
                raise ConfigError(f"its tokenizer has the {part} {kind!r}, which is not known to be harmless")
            if pattern is not None and pattern not in KNOWN_PATTERNS:
                raise ConfigError(f"its tokenizer has the pattern {pattern!r}, which is not known to be harmless")
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # `tokenizers` raises nothing narrower
        raise ConfigError(f"its tokenizer cannot be built ({error})") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _without_tables(model: Any) -> Any:
    """A tokenizer's model without its vocabulary, whose words are not to be looked at one by one."""
    return {name: part for name, part in model.items() if not isinstance(part, list | dict)} if model else model


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """All objects within a JSON value, itself included, but for tables of special tokens."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += [part for name, part in each.items() if name not in ("special_tokens", "single", "pair")]
        elif isinstance(each, list):
            waiting += each
