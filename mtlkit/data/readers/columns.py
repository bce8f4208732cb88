"""A reader of tagged sentences with one token per line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import final

from mtlkit.config import Runtime
from mtlkit.data.instance import Instance, Skipped, TargetKind
from mtlkit.data.normalization import Normalization, NormalizingTokenizer, normalized
from mtlkit.data.readers.fields import Fields
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.readers.sentences import read_sentences
from mtlkit.data.tokenizers import WhitespaceTokenizer
from mtlkit.errors import DataError
from mtlkit.types import NonNegativeInt


@final
@DatasetReader.register("columns")
class ColumnsReader(DatasetReader):
    """One token per line with its columns, and an empty line after each sentence; plain or gzip (`.gz`). Two formats:

    - If the file's first line is `# columns = TOKEN UPOS ...`, columns are separated by TABs, and lines that start with
      `# ` and contain no TAB are comments; `# domain = x` gives the domain of the sentence that follows.
    - Otherwise, as in CoNLL-2000, columns are separated by spaces or TABs and there are no comments (a token may be
      `#`).

    `words` and `tags` select columns by name (first format) or by position, counted from 0. `domain` keeps only the
    sentences of one domain. With `types`, tags `B-x` and `I-x` of any other type are read as `O`: `types: ['V']` turns
    semantic role labelling into verb identification.

    For prediction, it accepts a text with spaces between its words or {"words": [...], "tags": [...]}.
    """

    target_kind: TargetKind = "tags"
    file_format = "columns"

    def __init__(
        self,
        tags: str | NonNegativeInt,
        words: str | NonNegativeInt = 0,
        domain: str | None = None,
        types: list[str] | None = None,
        *,
        normalization: Runtime[Normalization] = "none",
    ) -> None:
        self._tags, self._words = tags, words
        self._domain = None if domain is None else normalized(domain, normalization)
        self._types = None if types is None else {normalized(each, normalization) for each in types}
        self._normalization = normalization
        self._fields = Fields(NormalizingTokenizer(WhitespaceTokenizer(), normalization), words="words", tags="tags")

    def files(self, source: str) -> list[Path]:
        return [Path(source)]

    def read(self, source: str) -> Iterator[Instance | Skipped]:
        domains: set[str | None] = {None}
        for sentence in read_sentences(Path(source)):
            domain = None if sentence.domain is None else normalized(sentence.domain, self._normalization)
            domains.add(domain)
            if self._domain in (None, domain):
                yield Instance(sentence.column(self._words), self._kept(sentence.column(self._tags)))
            else:
                yield Skipped("of another domain")
        if self._domain not in domains:
            known = ", ".join(sorted(filter(None, domains))) or "none"
            raise DataError(f"{source}: no sentence of domain '{self._domain}' (domains: {known}); choose one of them")

    def _kept(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        if self._types is None:
            return tags
        forms = [normalized(tag, self._normalization) for tag in tags]
        return tuple("O" if tag[:2] in ("B-", "I-") and tag[2:] not in self._types else tag for tag in forms)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        return self._fields.instance(raw)

    def unused_fields(self, raw: Mapping[str, object]) -> dict[str, object]:
        return self._fields.unused(raw)
