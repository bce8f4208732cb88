"""Instances from raw text and from JSON objects, as used by several readers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from mtlkit.data.instance import BETWEEN_TEXTS, Instance, Skipped, Target, check_no_mark
from mtlkit.data.readers.missing import WITHOUT_TARGET, Missing
from mtlkit.data.tokenizers import Tokenizer
from mtlkit.errors import DataError
from mtlkit.text import printable


def pair_of(first: Sequence[str], second: Sequence[str], max_words: int | None = None) -> tuple[str, ...]:
    """Returns the words of two texts as those of one instance, with `BETWEEN_TEXTS` between them.

    Args:
        first: the words of the first text.
        second: the words of the second text.
        max_words: the number of words to which each of them is cut; None cuts nothing.

    Raises:
        DataError: `BETWEEN_TEXTS` is a word of one of them.
    """
    check_no_mark((*first, *second))
    return (*first[:max_words], BETWEEN_TEXTS, *second[:max_words])


def words_of(text: str, tokenizer: Tokenizer) -> tuple[str, ...]:
    """Splits a text into words. Raises DataError if there are none, or `BETWEEN_TEXTS` is one."""
    words = tuple(tokenizer.tokenize(text))
    if not words:
        raise DataError("the text holds no words; remove it or fill it in")
    check_no_mark(words)
    return words


class RepeatedFieldError(ValueError):
    """A JSON object has a field twice, so that it is not clear which of both is meant."""


def distinct_fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Makes a dict of the fields of a JSON object. Raises RepeatedFieldError if one occurs twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise RepeatedFieldError(f"the field '{printable(repeated)}' occurs twice")
    return found


@final
@dataclass(frozen=True)
class Fields:
    """The names of the fields of a JSON object, or None for fields that the reader does not use.

    A list of words takes precedence over a text, and tags take precedence over a label. `missing` says what marks a
    missing target. With `second`, an instance is a pair of the texts in `text` and `second`, each cut to `max_words`.
    """

    tokenizer: Tokenizer
    text: str = "text"
    words: str | None = None
    label: str | None = None
    tags: str | None = None
    missing: Missing = field(default_factory=Missing)
    second: str | None = None
    max_words: int | None = None

    def instance(self, raw: str | Mapping[str, object]) -> Instance:
        """Creates an instance from a JSON object or from a text alone, with its target if it has one.

        Raises:
            DataError: a field is missing or has the wrong type, or the tags do not match the words.
        """
        if isinstance(raw, str):
            return Instance(words_of(raw, self.tokenizer) if self.second is None else self._pair_on_a_line(raw))
        words, name = self._words(raw), self.tags or self.label
        if name is None or name not in raw or _is_missing(raw, name, self.missing.assumed()):
            return Instance(words)
        return Instance(words, self._target(raw, name, len(words)))

    def read(self, raw: Mapping[str, object]) -> Instance | Skipped:
        """Creates an instance from a JSON object of a file, with its target, or says that the target is missing.

        Raises:
            DataError: a field is missing or has the wrong type, the tags do not match the words, or the target may be a
                mark of a missing one.
        """
        words, name = self._words(raw), self.tags or self.label
        if name is None:
            return Instance(words)
        if _is_missing(raw, name, self.missing):
            return WITHOUT_TARGET
        return Instance(words, self._target(raw, name, len(words)))

    def pair(self, first: str, second: str) -> tuple[str, ...]:
        """Returns the words of two texts as those of one instance. Raises DataError if one of them has no words."""
        return pair_of(words_of(first, self.tokenizer), words_of(second, self.tokenizer), self.max_words)

    def _pair_on_a_line(self, raw: str) -> tuple[str, ...]:
        texts = raw.split("\t")
        if len(texts) != 2:
            raise DataError(
                f"{len(texts)} texts, and the task is about two; write them with one TAB between them, or as "
                f'{{"{self.text}": ..., "{self.second}": ...}}'
            )
        return self.pair(*texts)

    def _target(self, raw: Mapping[str, object], name: str, num_words: int) -> Target:
        return self._tags(raw, name, num_words) if self.tags else _label(raw, name)

    def unused(self, raw: Mapping[str, object]) -> dict[str, object]:
        """The fields of a JSON object that `instance` does not read."""
        text = self.text if self.words is None or self.words not in raw else self.words
        return {name: value for name, value in raw.items() if name not in (text, self.second, self.tags or self.label)}

    def _words(self, raw: Mapping[str, object]) -> tuple[str, ...]:
        if self.second is not None:
            return self.pair(_text(raw, self.text), _text(raw, self.second))
        if self.words is None or (self.words not in raw and self.text in raw):
            return words_of(_text(raw, self.text), self.tokenizer)
        words = _strings(raw, self.words)
        if not words or "" in words:
            raise DataError(f"field '{self.words}' needs at least one word and no empty one; mend or remove it")
        check_no_mark(words)
        return words

    def _tags(self, raw: Mapping[str, object], name: str, num_words: int) -> Target:
        tags = _strings(raw, name)
        if len(tags) != num_words:
            raise DataError(f"{num_words} words but {len(tags)} tags in field '{name}'; give one tag for each word")
        if "" in tags:
            remedy = "write it, or set the reader's `missing` to [''] to leave such texts out"
            raise DataError(f"an empty tag in field '{name}'; {remedy}")
        return tags


def _value(raw: Mapping[str, object], name: str) -> object:
    if name not in raw:
        known = ", ".join(raw) or "none"
        raise DataError(f"no field '{name}' (fields here: {known}); add it or name another field in the experiment")
    return raw[name]


def _is_missing(raw: Mapping[str, object], name: str, missing: Missing) -> bool:
    """Whether the field of the target is absent, null, or has a mark of a missing target. Raises DataError if that is
    not clear.
    """
    value = raw.get(name)
    if value is None or (isinstance(value, list) and (None in value or not value)):
        if missing:
            return True
        raise DataError(_absent(raw, name))
    if isinstance(value, str | int):
        return missing.label(str(value))
    tags = [tag for tag in value if isinstance(tag, str)] if isinstance(value, list | tuple) else []
    return bool(tags) and missing.tags(tags)


def _absent(raw: Mapping[str, object], name: str) -> str:
    remedy = "set the reader's `missing` to ['_'] to leave out texts without a target"
    if name in raw:
        what = "is null" if raw[name] is None else "contains null" if raw[name] else "is an empty list"
        return f"field '{name}' {what}; write it, or {remedy}"
    known = ", ".join(raw) or "none"
    return f"no field '{name}' (fields here: {known}); add it, name another field in the experiment, or {remedy}"


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
