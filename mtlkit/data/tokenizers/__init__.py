"""Tokenisers: raw text into words."""

from mtlkit.data.tokenizers.regex import RegexTokenizer
from mtlkit.data.tokenizers.spacy import SpacyTokenizer
from mtlkit.data.tokenizers.tokenizer import Tokenizer
from mtlkit.data.tokenizers.whitespace import WhitespaceTokenizer

__all__ = ["Tokenizer", "RegexTokenizer", "SpacyTokenizer", "WhitespaceTokenizer"]
