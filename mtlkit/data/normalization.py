"""One form of each text: characters that mean the same become the same code points before texts are compared.

`é` is one code point in one file and two, `e` with an accent that combines, in another; readers see no difference, and
a vocabulary, a label set or an audit would.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias, TypeVar, final

from mtlkit.data.instance import Instance, Skipped, StructuralRows, Target
from mtlkit.data.lines import BYTE_ORDER_MARK
from mtlkit.data.tokenizers import Tokenizer
from mtlkit.errors import ConfigError

Normalization: TypeAlias = Literal["nfc", "nfkc", "none"]
"""A normal form of Unicode (Standard Annex #15), or none: texts as they are."""

FORMS: dict[Normalization, Literal["NFC", "NFKC"]] = {"nfc": "NFC", "nfkc": "NFKC"}
T = TypeVar("T")
Rest = TypeVar("Rest", bound=Skipped | StructuralRows)


def normalized(text: str, normalization: Normalization) -> str:
    """Returns a text in a normal form. A text that is in it already is returned as it is."""
    if text.isascii() or normalization == "none":
        return text
    form = FORMS[normalization]
    return text if unicodedata.is_normalized(form, text) else unicodedata.normalize(form, text)


def normalized_word(word: str, normalization: Normalization) -> str:
    """Returns a word in a normal form; it remains one word, and is not empty.

    NFKC turns some characters into white space, such as the no-break space in `10 000`, or `´`, which becomes a blank
    with an accent. In raw text this is done before it is split into words. In a word that is given as one, that white
    space is left out; a word that consists of nothing else is returned as it is.
    """
    changed = normalized(word, normalization)
    if normalization == "nfkc" and changed != word and " " in changed:
        # Blanks that were in the word before, as in columns separated by TABs, are none of this.
        changed = normalized("".join(each if each == " " else _without_blanks(each) for each in word), normalization)
    return changed or word


def _without_blanks(character: str) -> str:
    return unicodedata.normalize("NFKC", character).replace(" ", "")


def normalized_instance(instance: Instance, normalization: Normalization) -> Instance:
    """Returns an instance with its words and its target in a normal form. One that is in it is returned as it is."""
    words, target = instance.words, instance.target
    # In one piece, which is much faster than word by word: no blank takes part in a composition.
    tags = (target,) if isinstance(target, str) else target or ()
    if _is_normalized(" ".join(words), normalization) and _is_normalized(" ".join(tags), normalization):
        return instance
    if target is not None:
        target = _normalized_target(target, normalization)
    return Instance(tuple(normalized_word(word, normalization) for word in words), target)


def normalized_instances(
    instances: Iterable[Instance | Rest], normalization: Normalization
) -> Iterator[Instance | Rest]:
    """Yields each instance in a normal form (see `normalized_instance`), and whatever else there is unchanged."""
    if normalization == "none":
        yield from instances
        return
    for instance in instances:
        yield normalized_instance(instance, normalization) if isinstance(instance, Instance) else instance


def normalized_keys(values: Mapping[str, T], normalization: Normalization, setting: str) -> dict[str, T]:
    """Returns a mapping with its keys in a normal form.

    Raises:
        ConfigError: two keys are the same one in the normal form, but have different values; `setting` names them.
    """
    found: dict[str, T] = {}
    for key, value in values.items():
        form = normalized(key, normalization)
        if found.setdefault(form, value) != value:
            raise ConfigError(f"{setting}: '{form}' is there twice, in two spellings of its characters; remove one")
    return found


@final
class NormalizingTokenizer(Tokenizer):
    """A tokenizer that is given each text in a normal form, without a byte order mark at its start.

    Args:
        tokenizer: the tokenizer that splits the text.
        normalization: the normal form.
    """

    def __init__(self, tokenizer: Tokenizer, normalization: Normalization) -> None:
        self._tokenizer = tokenizer
        self._normalization = normalization

    def tokenize(self, text: str) -> list[str]:
        # A byte order mark before a text is none of its words, also where another field precedes the text in its line.
        return self._tokenizer.tokenize(normalized(text.lstrip(BYTE_ORDER_MARK), self._normalization))


def _is_normalized(text: str, normalization: Normalization) -> bool:
    return text.isascii() or normalization == "none" or unicodedata.is_normalized(FORMS[normalization], text)


def _normalized_target(target: Target, normalization: Normalization) -> Target:
    if isinstance(target, str):
        return normalized(target, normalization)
    return tuple(normalized(tag, normalization) for tag in target)
