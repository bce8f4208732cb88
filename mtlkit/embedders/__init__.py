"""Embedders, which map the words of a batch to vectors."""

from mtlkit.embedders.character_gru import CharacterGruEmbedder
from mtlkit.embedders.characters import CharacterEmbedder
from mtlkit.embedders.concatenated import ConcatenatedEmbedder
from mtlkit.embedders.dataset_embedding import DatasetEmbedder, DatasetVectors
from mtlkit.embedders.embedder import Embedder
from mtlkit.embedders.word_table import WordTable, sharded_tables
from mtlkit.embedders.words import WordEmbedder

__all__ = [
    "CharacterEmbedder",
    "CharacterGruEmbedder",
    "ConcatenatedEmbedder",
    "DatasetEmbedder",
    "DatasetVectors",
    "Embedder",
    "WordEmbedder",
    "WordTable",
    "sharded_tables",
]
