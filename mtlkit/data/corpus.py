"""One split of one task as flat integer columns: built once, cached on disk, cut and selected without copying text.

Letters: n texts, N tokens in total, F distinct surface forms.
"""

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b, sha256
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from mtlkit.data.instance import Instance, Skipped, StructuralRows, Target, TargetKind

NO_TARGET = -1


@final
@dataclass(frozen=True, eq=False)
class Corpus:
    """The columns of the n texts of a split. They do not depend on a vocabulary.

    `forms`    F distinct surface forms, in order of first appearance
    `tokens`   int32 (N,): indices into `forms`
    `offsets`  int64 (n + 1,): text i has the tokens `offsets[i]` to `offsets[i + 1]`
    `labels`   distinct target strings, in order of first appearance
    `targets`  int32, (n,) for labels and (N,) for tags: indices into `labels`, -1 for a missing target
    `digests`  int64 (n,): identity of each whole text, blake2b of its words joined by spaces, before any cut
    `places`   int32 (n,): the position of each text among those that were read, from 0, including skipped ones
    `skipped`  the number of texts in the files that are not among the n, by reason
    `file_digests`  the SHA-256 of each file that the texts were parsed from, by its path; empty if not from files
    `structure`  the number of rows in the files that belong to no text, by what they are
    """

    forms: list[str]
    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]
    labels: list[str]
    targets: NDArray[np.int32]
    digests: NDArray[np.int64]
    places: NDArray[np.int32]
    target_kind: TargetKind
    skipped: dict[str, int] = field(default_factory=dict)
    file_digests: dict[str, str] = field(default_factory=dict)
    structure: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def from_instances(instances: Iterable[Instance | Skipped | StructuralRows], target_kind: TargetKind) -> "Corpus":
        """Builds a corpus in one pass over instances. Raises ValueError if a target is not of `target_kind`."""
        builder = CorpusBuilder(target_kind)
        for instance in instances:
            builder.add(instance)
        return builder.corpus()

    @classmethod
    def joined(cls, corpora: Sequence["Corpus"]) -> Self:
        """Concatenates corpora with targets of one kind. `places` are renumbered as if read in sequence."""
        forms, labels = _numbering(), _numbering()
        tokens = [np.array([forms[form] for form in each.forms], np.int32)[each.tokens] for each in corpora]
        # The last entry is for the index -1, which stands for a missing target.
        places = [np.array([*(labels[label] for label in each.labels), NO_TARGET], np.int32) for each in corpora]
        lengths = np.concatenate([each.lengths for each in corpora])
        read = np.cumsum([0, *(each.num_read for each in corpora[:-1])])
        return cls(
            list(forms),
            np.concatenate(tokens),
            np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
            list(labels),
            np.concatenate([place[each.targets] for place, each in zip(places, corpora, strict=True)]),
            np.concatenate([each.digests for each in corpora]),
            np.concatenate([each.places + start for each, start in zip(corpora, read.tolist(), strict=True)]),
            corpora[0].target_kind,
            dict(sum((Counter(each.skipped) for each in corpora), Counter[str]())),
            {path: digest for each in corpora for path, digest in each.file_digests.items()},
            dict(sum((Counter(each.structure) for each in corpora), Counter[str]())),
        )

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def num_read(self) -> int:
        """The number of texts that were read, including skipped ones."""
        return len(self) + sum(self.skipped.values())

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of words of each text, (n,)."""
        return np.diff(self.offsets)

    @property
    def identity(self) -> str:
        """A SHA-256 that identifies the texts and their order, but depends neither on their targets nor on cuts."""
        return sha256(self.digests.astype("<i8").tobytes()).hexdigest()

    @property
    def target_identity(self) -> str:
        """A SHA-256 that identifies the targets of the texts, in the order of the texts."""
        # The numbers of labels depend on the files that were read, so the labels in use are numbered by their names.
        used = sorted(self.label_counts())
        number_of = {label: number for number, label in enumerate(used)}
        # The last entry is for the index -1, which stands for a missing target.
        numbers = np.array([*(number_of.get(label, NO_TARGET) for label in self.labels), NO_TARGET], "<i4")
        return sha256(json.dumps(used).encode() + numbers[self.targets].tobytes()).hexdigest()

    def select(self, indices: NDArray[np.integer]) -> "Corpus":
        """Returns the texts at these positions, in this order; a position may be repeated."""
        return self._take(indices, self.lengths[indices])

    def keep(self, indices: NDArray[np.integer], reason: str) -> "Corpus":
        """Returns the texts at these distinct positions. The others are counted as skipped for the given reason."""
        left_out = len(self) - len(indices)
        skipped = Counter(self.skipped) + Counter({reason: left_out})
        return replace(self.select(indices), skipped=dict(skipped))

    def head(self, limit: int) -> "Corpus":
        """Returns the first `limit` texts, or all if there are fewer."""
        return self.select(np.arange(min(limit, len(self))))

    def cut(self, max_length: int) -> "Corpus":
        """Cuts every text to its first `max_length` words (and tags). The digests remain those of the whole texts."""
        return self._take(np.arange(len(self)), np.minimum(self.lengths, max_length))

    def instance(self, index: int) -> Instance:
        """Returns the text at one position as words."""
        start, end = self.offsets[index], self.offsets[index + 1]
        words = tuple(self.forms[form] for form in self.tokens[start:end])
        return Instance(words, self.target(index))

    def target(self, index: int) -> Target | None:
        """Returns the label or the tags of the text at one position, or None if it has none."""
        if self.target_kind == "label":
            label = self.targets[index]
            return None if label == NO_TARGET else self.labels[label]
        tags = self.targets[self.offsets[index] : self.offsets[index + 1]]
        return None if NO_TARGET in tags else tuple(self.labels[tag] for tag in tags)

    def form_counts(self) -> NDArray[np.int64]:
        """Returns how often each form occurs, (F,); 0 for forms that no longer occur after a cut or a selection."""
        return np.bincount(self.tokens, minlength=len(self.forms))

    def label_counts(self) -> dict[str, int]:
        """Returns how often each label (or tag) occurs. Those that do not occur are left out."""
        counts = np.bincount(self.targets[self.targets != NO_TARGET], minlength=len(self.labels))
        return {label: int(count) for label, count in zip(self.labels, counts, strict=True) if count}

    def _take(self, indices: NDArray[np.integer], lengths: NDArray[np.int64]) -> "Corpus":
        """Returns the first `lengths[i]` words of each text `indices[i]`."""
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        # For each token of the result, its position in the old `tokens`: text i starts at offsets[i] now, and at
        # self.offsets[indices[i]] before, so all its tokens move by the same distance.
        positions = np.repeat(self.offsets[indices] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return replace(
            self,
            tokens=self.tokens[positions],
            offsets=offsets,
            targets=self.targets[indices if self.target_kind == "label" else positions],
            digests=self.digests[indices],
            places=self.places[indices],
        )


@final
class CorpusBuilder:
    """Builds a corpus from instances that are given one by one.

    Args:
        target_kind: the kind of target of all instances.
    """

    def __init__(self, target_kind: TargetKind) -> None:
        self._target_kind: TargetKind = target_kind
        self._forms, self._labels = _numbering(), _numbering()
        self._tokens, self._targets, self._places = array("i"), array("i"), array("i")
        self._offsets, self._digests = array("q", [0]), bytearray()
        self._skipped: Counter[str] = Counter()
        self._structure: Counter[str] = Counter()
        self._place = -1

    def add(self, instance: Instance | Skipped | StructuralRows) -> None:
        """Adds a text, or counts what is none. Raises ValueError if its target is not of the corpus's kind."""
        if isinstance(instance, StructuralRows):
            self._structure[instance.kind] += instance.count
            return
        self._place += 1
        if isinstance(instance, Skipped):
            self._skipped[instance.reason] += 1
            return
        self._tokens.extend(map(self._forms.__getitem__, instance.words))
        self._targets.extend(_target_ids(instance, self._target_kind, self._labels))
        self._offsets.append(len(self._tokens))
        self._digests += text_digest(instance.words)
        self._places.append(self._place)

    def corpus(self) -> Corpus:
        """Returns the corpus of what has been added."""
        return Corpus(
            list(self._forms),
            np.array(self._tokens, np.int32),
            np.array(self._offsets, np.int64),
            list(self._labels),
            np.array(self._targets, np.int32),
            np.frombuffer(self._digests, "<i8").astype(np.int64),
            np.array(self._places, np.int32),
            self._target_kind,
            dict(self._skipped),
            structure=dict(self._structure),
        )


def text_digest(words: Iterable[str]) -> bytes:
    """Returns an eight-byte digest of a text for audits. Equal words give equal digests."""
    return blake2b(" ".join(words).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _numbering() -> defaultdict[str, int]:
    """Returns a dictionary that assigns the next number to each new key."""
    numbers: defaultdict[str, int] = defaultdict()
    # Called before the key is inserted, so the length is the next number.
    numbers.default_factory = numbers.__len__
    return numbers


def _target_ids(instance: Instance, target_kind: TargetKind, labels: defaultdict[str, int]) -> Iterable[int]:
    target = instance.target
    if target is None:
        return [NO_TARGET] * (1 if target_kind == "label" else len(instance.words))
    if isinstance(target, str) != (target_kind == "label"):
        raise ValueError(f"the reader promises {target_kind!r} as target but gave {target!r}")
    return map(labels.__getitem__, [target] if isinstance(target, str) else target)
