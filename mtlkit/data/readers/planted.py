"""Artificial sentences under hidden rules, so that it is known which tasks are related.

The generator is part of this file because the cache identifies a reader by the file that defines it.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from random import Random
from typing import Annotated, Literal, final

from pydantic import Field

from mtlkit.data.instance import Instance, Skipped, TargetKind
from mtlkit.data.readers.fields import Fields
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.tokenizers import WhitespaceTokenizer
from mtlkit.errors import DataError
from mtlkit.types import NonNegativeInt

Words = tuple[str, ...]
SPLITS = {"train": 200, "dev": 100, "test": 500}
"""The splits, and the number of sentences in each if a source gives none."""
LARGEST = 100_000
NEGATORS = ("not", "never")
SHORTEST, LONGEST = 5, 12
FLIPPED = {"+": "-", "-": "+", "o": "o"}


@final
@DatasetReader.register("planted")
class PlantedReader(DatasetReader):
    """Sentences of artificial words, labelled by a hidden `rule`; nothing is read from disk.

    A rule is a secret lexicon: of `num_words` words, two in five are good, two in five are bad, and the rest are
    neutral. All rules use the same words but assign meanings independently, so what one rule reveals about a word says
    nothing about its meaning under another. `not` and `never`, which are the same under all rules, reverse the meaning
    of the next word and are neutral themselves.

    - Tasks with the same `rule` are related; tasks with different rules are not, and conflict.
    - `target: 'tags'` gives each word its meaning in context: `+`, `-` or `o`. `target: 'label'` gives the sentence
      `positive` or `negative`, whichever of `+` and `-` is more frequent (sentences with a tie do not occur). A label
      thus follows from the tags: two tasks of the same rule form a hierarchy.
    - `seed` creates another world with other lexicons and sentences. Another `sample` draws other sentences in the same
      world, so that related tasks need not share theirs.

    A source is `train`, `dev` or `test`, optionally with a number of sentences, as in `train:100` (default: 200, 100
    and 500); a smaller number gives a prefix of a larger one. No sentence is in two splits, not even in splits of two
    tasks of one world.
    For prediction, it accepts a text with spaces between its words or {"words": [...], "label": ...} (or "tags").
    """

    def __init__(
        self,
        rule: str,
        target: Literal["label", "tags"] = "label",
        sample: NonNegativeInt = 0,
        seed: NonNegativeInt = 0,
        num_words: Annotated[int, Field(ge=5, le=100_000)] = 40,
    ) -> None:
        self._words = [f"w{number}" for number in range(num_words)]
        self._meanings = lexicon(self._words, f"{seed}/{rule}")
        self._target = target
        self._stream = f"{seed}/{rule}/{sample}"
        self._seed = seed
        self._fields = Fields(
            WhitespaceTokenizer(), words="words", label="label", tags="tags" if target == "tags" else None
        )

    @property
    def target_kind(self) -> TargetKind:
        return self._target

    def files(self, source: str) -> list[Path]:
        _parsed(source)
        return []

    def read(self, source: str) -> Iterator[Instance | Skipped]:
        split, size = _parsed(source)
        return islice(self._instances(split), size)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        return self._fields.instance(raw)

    def unused_fields(self, raw: Mapping[str, object]) -> dict[str, object]:
        return self._fields.unused(raw)

    def _instances(self, split: str) -> Iterator[Instance]:
        """Yields the sentences of a split, without end."""
        generator = Random(f"{self._stream}/{split}")
        choice = [*self._words, *NEGATORS * (len(self._words) // 20 or 1)]
        while True:
            words = tuple(generator.choices(choice, k=generator.randint(SHORTEST, LONGEST)))
            tags = self.tags(words)
            surplus = tags.count("+") - tags.count("-")
            if surplus and split_of(words, self._seed) == split:
                label = "positive" if surplus > 0 else "negative"
                yield Instance(words, tags if self._target == "tags" else label)

    def tags(self, words: Words) -> Words:
        """Returns the meaning of each word in its context under the rule."""
        plain = [self._meanings.get(word, "o") for word in words]
        turned = [False, *(word in NEGATORS for word in words)]
        return tuple(FLIPPED[tag] if turn else tag for tag, turn in zip(plain, turned, strict=False))


def lexicon(words: list[str], rule: str) -> dict[str, str]:
    """Returns each word's meaning under a rule, with as many good words as bad ones. The result depends only on the
    rule's name and the words.
    """
    ordered = sorted(words, key=lambda word: blake2b(f"{rule}/{word}".encode(), digest_size=8).digest())
    share = len(words) * 2 // 5
    return {word: "+" if place < share else "-" if place < 2 * share else "o" for place, word in enumerate(ordered)}


def split_of(words: Words, seed: int) -> str:
    """Returns the split of a sentence, which depends only on its words: half of all go to `test`, a quarter each to the
    others.
    """
    quarter = blake2b(f"{seed}/{' '.join(words)}".encode(), digest_size=1).digest()[0] % 4
    return ("train", "dev", "test", "test")[quarter]


def _parsed(source: str) -> tuple[str, int]:
    """Parses a source into a split and a number of sentences. Raises DataError if it is not valid."""
    split, colon, number = source.partition(":")
    size = int(number) if re.fullmatch("[1-9][0-9]{0,5}", number) else 0
    if split not in SPLITS or (colon and not 0 < size <= LARGEST):
        raise DataError(
            f"no split of a planted task: '{source}'; write {', '.join(SPLITS)}, with at most {LARGEST:,} sentences "
            "after a colon if need be, as in train:100"
        )
    return split, size or SPLITS[split]
