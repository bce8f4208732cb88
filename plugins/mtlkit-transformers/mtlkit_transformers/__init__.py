"""Pretrained transformers as an embedder of mtlkit. `transformers` itself is imported when an embedder is built."""

from mtlkit_transformers.adapter_pool import AdapterPool
from mtlkit_transformers.adapters import Adapter, BottleneckAdapter, LoraAdapter, PrefixAdapter
from mtlkit_transformers.embedder import TransformerEmbedder

__all__ = ["Adapter", "AdapterPool", "BottleneckAdapter", "LoraAdapter", "PrefixAdapter", "TransformerEmbedder"]
