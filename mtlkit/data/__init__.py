"""Data: readers, corpora, vocabularies and batches of one task."""

from mtlkit.data.audit import AuditReport, TaskAudit, audit, clean_mask, seen_digests
from mtlkit.data.batch import Batch, Text
from mtlkit.data.batching import BatchStream, TaskSplit, bucketed_order
from mtlkit.data.corpus import Corpus
from mtlkit.data.fetch import fetch_vader
from mtlkit.data.instance import Instance, Skipped, StructuralRows, Target, TargetKind
from mtlkit.data.loading import CorpusLoader, load_corpus
from mtlkit.data.namespace import Namespace
from mtlkit.data.normalization import Normalization, NormalizingTokenizer, normalized
from mtlkit.data.readers import (
    ColumnsReader,
    DatasetReader,
    JsonLinesReader,
    PlantedReader,
    TextClassificationReader,
    TextPairsReader,
    VaderReader,
)
from mtlkit.data.readers.normalized import build_part_of_reader, build_reader
from mtlkit.data.resplit import ResplitSettings, resplit
from mtlkit.data.statistics import SplitStatistics, statistics
from mtlkit.data.tag_schemes import (
    NO_SPANS,
    SchemeName,
    SchemeSetting,
    Span,
    TagScheme,
    as_iob2,
    has_span_tags,
    recognise,
    scheme_of_file,
    spans,
    strict_spans,
    texts_that_violate,
)
from mtlkit.data.tokenizers import RegexTokenizer, SpacyTokenizer, Tokenizer, WhitespaceTokenizer
from mtlkit.data.vectors import Vectors
from mtlkit.data.vocabulary import Vocabulary, VocabularySettings, build_vocabulary, word_of
from mtlkit.data.word_columns import KeptVectors
from mtlkit.files import cache_folder

__all__ = [
    "AuditReport",
    "Batch",
    "BatchStream",
    "ColumnsReader",
    "Corpus",
    "CorpusLoader",
    "DatasetReader",
    "Instance",
    "JsonLinesReader",
    "KeptVectors",
    "NO_SPANS",
    "Namespace",
    "Normalization",
    "NormalizingTokenizer",
    "PlantedReader",
    "RegexTokenizer",
    "SpacyTokenizer",
    "ResplitSettings",
    "SchemeName",
    "SchemeSetting",
    "Span",
    "Skipped",
    "SplitStatistics",
    "StructuralRows",
    "TagScheme",
    "Target",
    "TargetKind",
    "TaskAudit",
    "TaskSplit",
    "Text",
    "TextClassificationReader",
    "TextPairsReader",
    "Tokenizer",
    "VaderReader",
    "Vectors",
    "Vocabulary",
    "VocabularySettings",
    "WhitespaceTokenizer",
    "as_iob2",
    "audit",
    "bucketed_order",
    "build_part_of_reader",
    "build_reader",
    "build_vocabulary",
    "cache_folder",
    "clean_mask",
    "fetch_vader",
    "has_span_tags",
    "load_corpus",
    "normalized",
    "recognise",
    "resplit",
    "scheme_of_file",
    "seen_digests",
    "spans",
    "statistics",
    "strict_spans",
    "texts_that_violate",
    "word_of",
]
