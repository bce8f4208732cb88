"""Digests of texts that leave out differences which do not matter to a reader, for audits."""

from dataclasses import replace

import numpy as np

from mtlkit.data.corpus import Corpus, text_digest
from mtlkit.data.normalization import normalized


def with_lenient_digests(corpus: Corpus, *, ignore_case: bool, ignore_white_space: bool) -> Corpus:
    """Returns the corpus with digests that are equal for texts which differ in nothing but these respects.

    Args:
        corpus: texts as they were read.
        ignore_case: whether texts are equal that differ in case, as `Straße` and `STRASSE`.
        ignore_white_space: whether texts are equal that are split into words at other places, as `co-op` and `co - op`.

    Raises:
        ValueError: a text was cut, so that it is not known how it goes on.
    """
    forms = [normalized(form.casefold(), "nfc") for form in corpus.forms] if ignore_case else corpus.forms
    digests = bytearray()
    for index in range(len(corpus)):
        start, end = corpus.offsets[index], corpus.offsets[index + 1]
        tokens = corpus.tokens[start:end].tolist()
        whole = int.from_bytes(text_digest(corpus.forms[token] for token in tokens), "little", signed=True)
        if whole != corpus.digests[index]:
            raise ValueError("a text was cut, and is to be compared as a whole; read the corpus without max_length")
        words = [forms[token] for token in tokens]
        digests += text_digest(["".join("".join(words).split())] if ignore_white_space else words)
    return replace(corpus, digests=np.frombuffer(digests, "<i8").astype(np.int64))
