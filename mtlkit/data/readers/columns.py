"""A reader of tagged sentences with one token per line."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import final

from mtlkit.config import Runtime
from mtlkit.data.instance import Instance, Skipped, StructuralRows, TargetKind
from mtlkit.data.normalization import Normalization, NormalizingTokenizer, normalized
from mtlkit.data.passes import FilePass
from mtlkit.data.readers.doubts import Doubts
from mtlkit.data.readers.fields import Fields
from mtlkit.data.readers.layout import ColumnsFormat, Layout
from mtlkit.data.readers.missing import WITHOUT_TARGET, Missing
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.readers.sentences import ColumnsFile, Sentence
from mtlkit.data.readers.words_and_tags import WordsAndTags
from mtlkit.data.tag_schemes.forms import kinds_of
from mtlkit.data.tag_schemes.schemes import SchemeSetting
from mtlkit.data.tokenizers import WhitespaceTokenizer
from mtlkit.errors import DataError
from mtlkit.types import NonNegativeInt

OF_ANOTHER_DOMAIN = Skipped("of another domain")


@final
@DatasetReader.register("columns")
class ColumnsReader(DatasetReader):
    """One token per line with its columns, and an empty line after each sentence, as in CoNLL-2000, CoNLL-2003 and
    CoNLL-U; plain or compressed.

    - In a file that has TABs, they separate columns, and a token may contain blanks. In others, blanks do. A file with
      rows of both kinds is refused. White space around a column is ignored. A line of nothing but white space, which
      includes no-break spaces, is an empty line.
    - Columns have names if TABs separate them and the file begins with `# columns = TOKEN UPOS ...` or, as in CoNLL-U
      Plus, `# global.columns = ID FORM ...`. Those of CoNLL-U are ID, FORM, LEMMA, UPOS, XPOS, FEATS, HEAD, DEPREL,
      DEPS and MISC. Titles of columns in any other form are refused, since they would be read as a token.
    - In CoNLL-U, multiword tokens (`2-3`) and empty nodes (`5.1`) are not words, and the ids of words must count 1, 2,
      3. A row that begins with `-DOCSTART-` is the beginning of a document, not a word. All of these are counted.

    `words` and `tags` select columns by name or by position, counted from 0. Words are never the ids: where the column
    is called ID, `words: 0` (the default) takes FORM. `domain` keeps only the sentences of one domain, which is given
    by a comment `# domain = x` before a sentence. With `types`, tags such as `B-x` and `I-x` of any other type are
    read as `O`: `types: ['V']` turns semantic role labelling into verb identification.

    `scheme` is the scheme of the tags, `none` for tags that mark no spans, such as parts of speech; `auto` recognises
    it. Tags that mark spans are converted to IOB2.

    `format: 'auto'` recognises CoNLL-U by ten columns, or by a header with ID, if TABs separate columns and the first
    id is 1, `1-2` or the like, or 0.1. `'conllu'` reads a file as CoNLL-U whatever its number of columns; without a
    header, the first two are ID and FORM. With `'columns'`, each row is a token.

    `comments` decides about lines that begin with `#`. With null, all of them are comments in CoNLL-U. In another file
    that TABs separate, comments are those that begin with `# ` and have no TAB; in a file that blanks separate, those
    before a sentence that have at least two columns, but not as many as the file. A line with as many, before a
    sentence, is refused if it may be a comment. With true, all lines before a sentence that begin with `#` are
    comments, but for rows with TABs and all columns; with false, none is.

    `missing` lists marks of a missing tag, such as `['_']`; the empty string stands for an empty column. Sentences with
    such a tag are left out and counted; other tasks can use them. With null, sentences in which each tag is `_` are
    refused, but not in the columns FEATS, DEPS and MISC of CoNLL-U; with `[]`, `_` is a tag like others.

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
        format: ColumnsFormat = "auto",
        comments: bool | None = None,
        missing: list[str] | None = None,
        scheme: SchemeSetting = "auto",
        *,
        normalization: Runtime[Normalization] = "none",
    ) -> None:
        self._tags, self._words = tags, words
        self._domain = None if domain is None else normalized(domain, normalization)
        self._types = None if types is None else {normalized(each, normalization) for each in types}
        self._format, self._comments, self._missing = format, comments, missing
        self._marks = Missing(missing, normalization=normalization)
        self.scheme = scheme
        self._normalization = normalization
        splitting = NormalizingTokenizer(WhitespaceTokenizer(), normalization)
        self._fields = Fields(splitting, words="words", tags="tags", missing=self._marks)

    def files(self, source: str) -> list[Path]:
        return [Path(source)]

    def read(self, source: str) -> Iterator[Instance | Skipped | StructuralRows]:
        return self.file_pass(source).alone()

    def read_texts(self, source: str) -> Iterator[Instance | Skipped]:
        file = self._file(source)
        return self._texts(file, file.sentences(), needs_tags=False)

    def file_pass(self, source: str) -> FilePass[ColumnsFile, Sentence]:
        def begin() -> tuple[ColumnsFile, Iterator[Sentence]]:
            file = self._file(source)
            return file, file.sentences()

        return FilePass(("columns", source, self._format, self._comments), begin, self._annotated)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        return self._fields.instance(raw)

    def unused_fields(self, raw: Mapping[str, object]) -> dict[str, object]:
        return self._fields.unused(raw)

    def _file(self, source: str) -> ColumnsFile:
        return ColumnsFile(Path(source), self._format, self._comments)

    def _annotated(
        self, file: ColumnsFile, sentences: Iterator[Sentence]
    ) -> Iterator[Instance | Skipped | StructuralRows]:
        """Yields the sentences with their tags, those without as left out, and what in the file is not a word."""
        for each in self._texts(file, sentences, needs_tags=True):
            yield WITHOUT_TARGET if isinstance(each, Instance) and each.target is None else each
        yield from (StructuralRows(kind, count) for kind, count in file.structure.items())

    def _texts(
        self, file: ColumnsFile, sentences: Iterator[Sentence], needs_tags: bool
    ) -> Iterator[Instance | Skipped]:
        """Yields the sentences, with the target None for those whose tags are missing."""
        domains: set[str | None] = {None}
        doubts: Doubts | None = None
        for sentence in sentences:
            if doubts is None:
                assert file.layout is not None, "a file without rows has no sentences"
                columns = self._columns(file, file.layout, sentence, needs_tags)
                doubts = Doubts(file, file.layout, columns)
            domain = None if sentence.domain is None else normalized(sentence.domain, self._normalization)
            domains.add(domain)
            if self._domain not in (None, domain):
                yield OF_ANOTHER_DOMAIN
                continue
            words, tags = columns.words(sentence), columns.tags(sentence)
            if tags is not None:
                doubts.see(sentence, words, tags)
            yield Instance(words, None if tags is None else self._kept(tags))
        if self._domain not in domains:
            known = ", ".join(sorted(filter(None, domains))) or "none"
            remedy = "choose one of them"
            raise DataError(f"{file.path}: no sentence of domain '{self._domain}' (domains: {known}); {remedy}")
        if doubts is not None:
            doubts.check()
            if needs_tags:
                self._check_types(file.path, doubts.tags)

    def _columns(self, file: ColumnsFile, layout: Layout, first: Sentence, needs_tags: bool) -> WordsAndTags:
        """The columns of words and tags. Errors are placed at the file's first sentence."""
        missing, tags = self._marks, None
        try:
            words = layout.words(self._words, first.rows[0])
            if needs_tags or layout.has(self._tags):
                tags = layout.tags(self._tags, first.rows[0])
                if tags == words:
                    raise DataError(f"column {words} is read as words and as tags; set the reader's `tags` to another")
        except DataError as error:
            raise DataError(f"{file.path}:{first.numbers[0]}: {error}") from None
        if self._missing is None and tags is not None and layout.has_empty_values(tags):
            missing = Missing([])
        return WordsAndTags(file.path, words, tags, missing if needs_tags else missing.assumed())

    def _check_types(self, path: Path, tags: Collection[str]) -> None:
        """Refuses a file in which spans have types, and none is wanted."""
        kinds = {normalized(tag, self._normalization): kinds_of(normalized(tag, self._normalization)) for tag in tags}
        known = sorted({each[0] for each in kinds.values() if each})
        if self._types is not None and known and all(self._is_of_other_type(tag) for tag in kinds if kinds[tag]):
            wanted = ", ".join(f"'{each}'" for each in sorted(self._types)) or "none"
            raise DataError(f"{path}: no tag of the types {wanted} (types: {', '.join(known)}); choose some of them")

    def _kept(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        if self._types is None:
            return tags
        forms = [normalized(tag, self._normalization) for tag in tags]
        return tuple("O" if self._is_of_other_type(tag) else tag for tag in forms)

    def _is_of_other_type(self, tag: str) -> bool:
        """Whether a tag marks a span in some form, and its type is not wanted in any form in which it can be read."""
        assert self._types is not None
        kinds = kinds_of(tag)
        return bool(kinds) and not any(kind in self._types for kind in kinds)
