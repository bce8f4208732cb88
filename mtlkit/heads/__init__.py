"""Heads: one task's output layer; they own the loss and the decoding."""

from mtlkit.heads.classifier import Classifier
from mtlkit.heads.crf_tagger import CrfTagger
from mtlkit.heads.head import Decoded, Head, in_full_precision

__all__ = ["Head", "Classifier", "CrfTagger", "Decoded", "in_full_precision"]
