"""Instances from raw text and from JSON objects, as used by several readers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from mtlkit.data.instance import Instance, Target
from mtlkit.data.tokenizers import Tokenizer
from mtlkit.errors import DataError


def words_of(text: str, tokenizer: Tokenizer) -> tuple[str, ...]:
    """Splits a text into words. Raises DataError if there are none."""
    words = tuple(tokenizer.tokenize(text))
    if not words:
        raise DataError("the text holds no words; remove it or fill it in")
    return words


@final
@dataclass(frozen=True)
class Fields:
    """The names of the fields of a JSON object, or None for fields that the reader does not use.

    A list of words takes precedence over a text, and tags take precedence over a label.
    """

    tokenizer: Tokenizer
    text: str = "text"
    words: str | None = None
    label: str | None = None
    tags: str | None = None

    def instance(self, raw: str | Mapping[str, object], *, target_required: bool = False) -> Instance:
        """Creates an instance from a JSON object or from a text alone, with its target if present or required.

        Raises:
            DataError: a field is missing or has the wrong type, or the tags do not match the words.
        """
        if isinstance(raw, str):
            return Instance(words_of(raw, self.tokenizer))
        words = self._words(raw)
        name = self.tags or self.label
        if name is None or not (target_required or name in raw):
            return Instance(words)
        return Instance(words, self._tags(raw, name, len(words)) if self.tags else _label(raw, name))

    def unused(self, raw: Mapping[str, object]) -> dict[str, object]:
        """The fields of a JSON object that `instance` does not read."""
        text = self.text if self.words is None or self.words not in raw else self.words
        return {name: value for name, value in raw.items() if name not in (text, self.tags or self.label)}

    def _words(self, raw: Mapping[str, object]) -> tuple[str, ...]:
        if self.words is None or (self.words not in raw and self.text in raw):
            return words_of(_text(raw, self.text), self.tokenizer)
        words = _strings(raw, self.words)
        if not words or "" in words:
            raise DataError(f"field '{self.words}' needs at least one word and no empty one; mend or remove it")
        return words

    def _tags(self, raw: Mapping[str, object], name: str, num_words: int) -> Target:
        tags = _strings(raw, name)
        if len(tags) != num_words:
            raise DataError(f"{num_words} words but {len(tags)} tags in field '{name}'; give one tag for each word")
        return tags


def _value(raw: Mapping[str, object], name: str) -> object:
    if name not in raw:
        known = ", ".join(raw) or "none"
        raise DataError(f"no field '{name}' (fields here: {known}); add it or name another field in the experiment")
    return raw[name]


def _text(raw: Mapping[str, object], name: str) -> str:
    value = _value(raw, name)
    if not isinstance(value, str):
        raise DataError(f"field '{name}' is not a string; put the text between double quotes")
    return value


def _label(raw: Mapping[str, object], name: str) -> str:
    value = _value(raw, name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"field '{name}' is neither a string nor a whole number; write the label as one of them")
    return str(value)


def _strings(raw: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = _value(raw, name)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise DataError(f'field \'{name}\' is not a list of strings; write it as ["a", "b"]')
    return tuple(value)
