"""A reader of files with one JSON object per line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, final

from mtlkit.config import Lazy, Runtime
from mtlkit.data.instance import Instance, Skipped, StructuralRows, TargetKind
from mtlkit.data.lines import parse_lines, parse_numbered
from mtlkit.data.normalization import Normalization, NormalizingTokenizer, normalized_keys
from mtlkit.data.passes import FilePass
from mtlkit.data.readers.fields import Fields, RepeatedFieldError, distinct_fields
from mtlkit.data.readers.missing import Missing, unclear_tag
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.data.readers.renaming import with_renamed_target
from mtlkit.data.tag_schemes.schemes import SchemeSetting
from mtlkit.data.tokenizers import Tokenizer, WhitespaceTokenizer
from mtlkit.errors import ConfigError, DataError
from mtlkit.types import PositiveInt

Value: TypeAlias = dict[str, object] | Skipped
"""What is on a line: a JSON object, or nothing."""


@final
@DatasetReader.register("jsonl")
class JsonLinesReader(DatasetReader):
    """Lines such as {"text": "good fun", "label": "positive"}, plain or compressed.

    Words are taken from the list in `words_field` if it is set, and otherwise from `text_field` through the
    `tokenizer`. With `tags_field`, a list of one tag per word, the task is tagging and `label_field` is ignored. A
    label may be an integer. `labels` renames labels or tags, as in {"0": "negative", "1": "positive"}; one that it does
    not contain is then an error. `scheme` is the scheme of the tags, `none` for tags that mark no spans; `auto`
    recognises it. Tags that mark spans are converted to IOB2. Other fields are ignored. Lines of white space alone are
    left out and counted.

    With `second_field` an instance is a pair of texts, as for entailment; the reader `text_pairs` says what becomes of
    it. The first `max_words` of each text are kept.

    `missing` lists marks of a missing label or tag, such as `['_']` or `['']`. Texts with one are left out and counted,
    as are those whose target is null or absent; other tasks can use them. With null, an absent target is refused, and
    so are a label that is `_` or empty, and texts in which each tag is `_`. With `[]`, these are labels like others.
    """

    renames_by = "labels"
    file_format = "json_lines"

    def __init__(
        self,
        text_field: str = "text",
        words_field: str | None = None,
        label_field: str | None = "label",
        tags_field: str | None = None,
        tokenizer: Lazy[Tokenizer] = Lazy.of(WhitespaceTokenizer),
        labels: dict[str, str] | None = None,
        missing: list[str] | None = None,
        scheme: SchemeSetting = "auto",
        second_field: str | None = None,
        max_words: PositiveInt | None = None,
        *,
        normalization: Runtime[Normalization] = "none",
    ) -> None:
        if tags_field is None and scheme != "auto":
            raise ConfigError("scheme: is about tags, and there is no tags_field; leave it out or name the field")
        self.scheme = scheme
        self.reads_pairs = second_field is not None  # type: ignore[misc]  # of the class, for each reader its own
        if self.reads_pairs and (words_field is not None or tags_field is not None):
            raise ConfigError(
                "second_field: a pair is of two texts and has one label, so it goes with neither words_field nor "
                "tags_field; leave those out"
            )
        if max_words is not None and not self.reads_pairs:
            raise ConfigError("max_words: cuts each text of a pair; set second_field, or the task's max_length instead")
        self._labels = None if labels is None else normalized_keys(labels, normalization, "labels")
        self._normalization = normalization
        splitting = NormalizingTokenizer(tokenizer.build(), normalization)
        marks = Missing(missing, labels or (), normalization)
        self._fields = Fields(
            splitting, text_field, words_field, label_field, tags_field, marks, second_field, max_words
        )
        self._marks = marks

    @property
    def target_kind(self) -> TargetKind:
        return "tags" if self._fields.tags else "label"

    def files(self, source: str) -> list[Path]:
        return [Path(source)]

    def read(self, source: str) -> Iterator[Instance | Skipped | StructuralRows]:
        return self.file_pass(source).alone()

    def file_pass(self, source: str) -> FilePass[str, tuple[int, Value]]:
        return FilePass(("json lines", source), lambda: (source, _values(Path(source))), self._texts)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        return with_renamed_target(self._fields.instance(raw), self._labels, self._normalization)

    def unused_fields(self, raw: Mapping[str, object]) -> dict[str, object]:
        return self._fields.unused(raw)

    def _texts(self, source: str, values: Iterator[tuple[int, Value]]) -> Iterator[Instance | Skipped]:
        first: dict[str, int] = {}  # the line in which a tag first occurs
        for number, each in enumerate(parse_numbered(Path(source), values, self._instance), 1):
            if isinstance(each, Instance) and isinstance(each.target, tuple):
                for tag in each.target:
                    first.setdefault(tag, number)
            yield each
        # Labels that the user has named are what they are.
        if self._labels is None and (mark := self._marks.doubtful(first)) is not None:
            raise DataError(f"{source}:{first[mark]}: {unclear_tag(mark)}")

    def _instance(self, value: Value) -> Instance | Skipped:
        if isinstance(value, Skipped):
            return value
        found = self._fields.read(value)
        if isinstance(found, Skipped):
            return found
        return with_renamed_target(found, self._labels, self._normalization)


def _values(path: Path) -> Iterator[tuple[int, Value]]:
    """Yields the number of each line with its JSON object, or with what stands for a blank line."""
    return enumerate(parse_lines(path, _value), 1)


def _value(line: str) -> Value:
    if not line.strip():
        return Skipped("blank")
    try:
        value = json.loads(line, object_pairs_hook=distinct_fields)
    except RepeatedFieldError as error:
        raise DataError(f"{error}; write it once") from None
    except (ValueError, RecursionError) as error:  # of the form, of a number of thousands of digits, of its depth
        raise DataError(f"not valid JSON ({error}); write one JSON object a line") from None
    if not isinstance(value, dict):
        raise DataError("no JSON object; write the line as {...}")
    return value
