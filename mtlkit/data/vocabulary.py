"""Words, characters and labels of an experiment, and their ids.

Letters: F surface forms, C characters of a form.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, final, get_args
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from mtlkit.config import Spec
from mtlkit.data.corpus import Corpus
from mtlkit.data.namespace import PADDING_ID, Namespace
from mtlkit.data.normalization import Normalization, normalized
from mtlkit.data.tag_schemes import SchemeName, TagScheme
from mtlkit.data.vectors import Vectors
from mtlkit.errors import DataError
from mtlkit.files import make_folder, read_bounded, write_atomically
from mtlkit.types import DataPath, NonNegativeInt, PositiveInt

MAX_CHARACTERS = 24
LARGEST_SETTINGS = 2**22
"""The maximum number of bytes of `vocabulary.json`."""
NUMBER = re.compile(r"[+-]?\d+(?:[.,/:-]\d+)*")


class VocabularySettings(Spec):
    """Which words get an id of their own."""

    min_count: PositiveInt = 1
    """How often a word must occur in the training texts, unless it has a pretrained vector."""
    max_words: PositiveInt | None = None
    """The maximum number of words without a pretrained vector; the most frequent ones are kept."""
    lowercase: bool = True
    """Whether `The` and `the` are the same word; characters keep their case."""
    one_number: bool = False
    """Whether all numbers are the same word, `0`; characters keep their digits."""
    pretrained: DataPath | None = None
    """A text file of word vectors as of GloVe, fastText or word2vec, plain or compressed. All its words are added,
    which also covers words of dev and test texts.
    """
    pretrained_limit: NonNegativeInt | None = None
    """How many vectors of the pretrained file, from its start, may add words that training texts do not contain."""


@final
@dataclass(frozen=True)
class Vocabulary:
    """The namespaces `words`, `characters` and, for each task, `labels/<task>`."""

    namespaces: Mapping[str, Namespace]
    lowercase: bool = True
    one_number: bool = False
    normalization: Normalization = "none"
    tag_schemes: Mapping[str, TagScheme] = field(default_factory=dict)
    """The scheme in which the tags of each task are written in its files. The labels are those after conversion to
    IOB2. Tasks with labels of texts are missing, and so are tasks of archives that an older mtlkit wrote, whose tags
    are taken as they are.
    """

    @classmethod
    def of(
        cls,
        words: Iterable[str] = (),
        characters: Iterable[str] = (),
        labels: Mapping[str, Iterable[str]] | None = None,
        *,
        lowercase: bool = True,
        one_number: bool = False,
        normalization: Normalization = "none",
        tag_schemes: Mapping[str, TagScheme] | None = None,
    ) -> Self:
        """Creates a vocabulary of these tokens. Ids of words and characters begin at 2, those of a task's
        labels at 0.
        """
        namespaces = {"words": Namespace(words, is_open=True), "characters": Namespace(characters, is_open=True)}
        for task, names in (labels or {}).items():
            namespaces[f"labels/{task}"] = Namespace(names, is_open=False)
        return cls(namespaces, lowercase, one_number, normalization, dict(tag_schemes or {}))

    def __getitem__(self, namespace: str) -> Namespace:
        return self.namespaces[namespace]

    @property
    def tasks(self) -> list[str]:
        """The tasks whose labels are in the vocabulary."""
        return [name.removeprefix("labels/") for name in self.namespaces if name.startswith("labels/")]

    def labels(self, task: str) -> list[str]:
        """Returns the labels of a task in the order of their ids."""
        return self[f"labels/{task}"].tokens

    def tags_read_as(self, task: str) -> SchemeName | None:
        """Returns `iob2` if the labels of a task are tags that mark spans, and `none` if they are tags that mark none;
        None for labels of texts, and for tasks whose scheme is not known.
        """
        scheme = self.tag_schemes.get(task)
        return None if scheme is None else "iob2" if scheme.marks_spans else "none"

    def word_ids(self, forms: Sequence[str]) -> NDArray[np.int64]:
        """Returns the word id of each form, (F,)."""
        words = words_of(forms, self.lowercase, self.one_number, self.normalization)
        return np.array(self["words"].indices(words), np.int64)

    def word_of(self, form: str) -> str:
        """Returns the word that a surface form stands for, with letter case and numbers as the settings say."""
        return word_of(form, self.lowercase, self.one_number, self.normalization)

    def character_ids(self, forms: Sequence[str]) -> NDArray[np.int64]:
        """Returns the ids of each form's first characters, at most 24, (F, C); 0 after the last one."""
        characters = self["characters"]
        width = min(MAX_CHARACTERS, max(map(len, forms), default=1))
        ids = np.full((len(forms), width), PADDING_ID, np.int64)
        for row, form in zip(ids, forms, strict=True):
            row[: len(form)] = [characters.index(character) for character in form[:width]]
        return ids

    def save(self, folder: Path) -> None:
        """Writes a text file per namespace, and `vocabulary.json` last. Creates the folder if needed."""
        make_folder(folder)
        for name, namespace in self.namespaces.items():
            namespace.save(_file(folder, name))
        schemes = {task: scheme.to_json() for task, scheme in self.tag_schemes.items()}
        about = {
            "lowercase": self.lowercase,
            "one_number": self.one_number,
            "normalization": self.normalization,
            "tasks": self.tasks,
            **({"tag_schemes": schemes} if schemes else {}),
        }
        write_atomically(folder / "vocabulary.json", json.dumps(about, indent=2).encode() + b"\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote, so that `load(save(v)) == v`. Raises DataError if a file is missing or damaged."""
        try:
            about = json.loads(read_bounded(folder / "vocabulary.json", LARGEST_SETTINGS))
            lowercase, tasks = bool(about["lowercase"]), [str(task) for task in about["tasks"]]
            # Archives written before these existed lack them.
            one_number, normalization = bool(about.get("one_number", False)), about.get("normalization", "none")
            schemes = {str(task): TagScheme.of_json(each) for task, each in about.get("tag_schemes", {}).items()}
            if normalization not in get_args(Normalization) or len(set(tasks)) < len(tasks):
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise DataError(f"{folder}: holds no whole vocabulary; take the folder that training wrote") from None
        names = ["words", "characters", *(f"labels/{task}" for task in tasks)]
        files = {name: _file(folder, name) for name in names}
        for file in files.values():
            if file.exists() and not file.is_file():  # a pipe would be waited for
                raise DataError(f"{file}: is not a regular file; take the folder that training wrote")
        return cls(
            {name: Namespace.load(file, is_open=not name.startswith("labels/")) for name, file in files.items()},
            lowercase,
            one_number,
            normalization,
            schemes,
        )


def build_vocabulary(
    training: Mapping[str, Corpus],
    settings: VocabularySettings,
    vectors: Vectors | None = None,
    normalization: Normalization = "none",
    tag_schemes: Mapping[str, TagScheme] | None = None,
) -> Vocabulary:
    """Builds the vocabulary from the tasks' training texts and pretrained vectors (see `VocabularySettings`), which are
    in the given normal form.

    Words and characters are ordered by descending count, ties by code point; labels by code point. Neither the order of
    texts nor that of tasks affects the ids.
    """
    spelling = (settings.lowercase, settings.one_number, normalization)
    forms = _form_counts(training.values())
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for (form, count), word in zip(forms.items(), words_of([*forms], *spelling), strict=True):
        words[word] += count
        for character in form:
            characters[character] += count
    pretrained = vectors.words if vectors else []
    candidates = pretrained[: settings.pretrained_limit]
    joining = {word for word, form in zip(words_of(candidates, *spelling), candidates, strict=True) if word == form}
    known = words.keys() & set(pretrained)
    others = [word for word in _ranked(words, words) if word not in known and words[word] >= settings.min_count]
    return Vocabulary.of(
        _ranked(joining.union(known, others[: settings.max_words]), words),
        _ranked(characters, characters),
        {task: sorted(corpus.label_counts()) for task, corpus in training.items()},
        lowercase=settings.lowercase,
        one_number=settings.one_number,
        normalization=normalization,
        tag_schemes=tag_schemes,
    )


def _form_counts(corpora: Iterable[Corpus]) -> dict[str, int]:
    """Counts the forms that occur in all of the corpora. Tasks that share a file share its forms, and each is taken
    apart only once.
    """
    counts: defaultdict[str, int] = defaultdict(int)
    for corpus in corpora:
        for form, count in zip(corpus.forms, corpus.form_counts().tolist(), strict=True):
            counts[form] += count
    return {form: count for form, count in counts.items() if count}


def _ranked(tokens: Iterable[str], counts: Counter[str]) -> list[str]:
    return sorted(tokens, key=lambda token: (-counts[token], token))


def word_of(form: str, lowercase: bool, one_number: bool, normalization: Normalization = "none") -> str:
    """Returns the word that a form stands for. A number consists of digits, with an optional sign and `.,/:-` between
    digits. A form in a normal form gives a word in that form.
    """
    if one_number and NUMBER.fullmatch(form):
        return "0"
    # A capital and its accent may be two code points where the small letter with the accent is one, as in `J̌` and `ǰ`.
    return normalized(form.lower(), normalization) if lowercase else form


def words_of(
    forms: Sequence[str], lowercase: bool, one_number: bool, normalization: Normalization = "none"
) -> list[str]:
    """Returns the word that each of many forms stands for, as `word_of` does for one."""
    if not one_number and lowercase:
        # In one piece, which is much faster: a line break neither takes part in lower case, nor comes from it.
        together = "\n".join(forms).lower()
        words = together.split("\n")
        if len(words) == len(forms):  # no form contains a line break
            return words if together.isascii() else [normalized(word, normalization) for word in words]
    return [word_of(form, lowercase, one_number, normalization) for form in forms]


def _file(folder: Path, namespace: str) -> Path:
    """Returns a file name for a namespace that no task name can turn into a path to elsewhere."""
    return folder / f"{quote(namespace.replace('/', '.', 1), safe='')}.txt"
