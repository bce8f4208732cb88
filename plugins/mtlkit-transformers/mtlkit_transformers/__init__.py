"""Pretrained transformers as an embedder of mtlkit. `transformers` itself is imported when an embedder is built."""

from mtlkit_transformers.embedder import TransformerEmbedder

__all__ = ["TransformerEmbedder"]
