"""Tagged sentences, one token a line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import final

from mtlkit.data.instance import Instance, Skipped, TargetKind
from mtlkit.data.readers.fields import Fields
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.readers.sentences import read_sentences
from mtlkit.data.tokenizers import WhitespaceTokenizer
from mtlkit.errors import DataError
from mtlkit.types import NonNegativeInt


@final
@DatasetReader.register("columns")
class ColumnsReader(DatasetReader):
    """One token a line, its columns beside it, an empty line after each sentence; plain or gzip (`.gz`). Two forms:

    - The file's first line is `# columns = TOKEN UPOS ...`: TABs between the columns, and lines that start with `# `
      and hold no TAB are comments; `# domain = x` gives the domain of the sentence below it.
    - Any other first line, as in CoNLL-2000: blanks or TABs between the columns and no comments (a token may be `#`).

    `words` and `tags` choose columns by name (first form) or by place, counted from 0. `domain` keeps the sentences of
    one domain. With `types`, tags `B-x` and `I-x` of other types than these are `O`, as if nothing had been marked:
    `types: ['V']` makes verb identification of semantic roles.

    To predict, it takes a text with blanks between its words or {"words": [...], "tags": [...]}.
    """

    target_kind: TargetKind = "tags"

    def __init__(
        self,
        tags: str | NonNegativeInt,
        words: str | NonNegativeInt = 0,
        domain: str | None = None,
        types: list[str] | None = None,
    ) -> None:
        self._tags, self._words, self._domain, self._types = tags, words, domain, types
        self._fields = Fields(WhitespaceTokenizer(), words="words", tags="tags")

    def files(self, source: str) -> list[Path]:
        return [Path(source)]

    def read(self, source: str) -> Iterator[Instance | Skipped]:
        domains: set[str | None] = {None}
        for sentence in read_sentences(Path(source)):
            domains.add(sentence.domain)
            if self._domain in (None, sentence.domain):
                yield Instance(sentence.column(self._words), self._kept(sentence.column(self._tags)))
            else:
                yield Skipped("of another domain")
        if self._domain not in domains:
            known = ", ".join(sorted(filter(None, domains))) or "none"
            raise DataError(f"{source}: no sentence of domain '{self._domain}' (domains: {known}); choose one of them")

    def _kept(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        if self._types is None:
            return tags
        return tuple("O" if tag[:2] in ("B-", "I-") and tag[2:] not in self._types else tag for tag in tags)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        return self._fields.instance(raw)
