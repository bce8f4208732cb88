"""Tags that violate the BIO scheme."""

import numpy as np
from numpy.typing import NDArray

from mtlkit.data.corpus import NO_TARGET, Corpus


def texts_with_stray_tags(corpus: Corpus) -> NDArray[np.int64]:
    """Returns the positions of the texts that contain an `I-x` which does not continue a `B-x` or `I-x`.

    Returns None if no tag begins with `B-`, since the scheme is then another one. Metrics and heads treat such an `I-x`
    as the beginning of a span, as conlleval does.
    """
    if corpus.target_kind != "tags" or not any(label.startswith("B-") for label in corpus.labels):
        return np.empty(0, np.int64)
    names = [*corpus.labels, ""]  # the last for no target
    kinds = {name: number for number, name in enumerate(dict.fromkeys(name[2:] for name in names))}
    inside = np.array([name.startswith("I-") for name in names])
    kind = np.array([kinds[name[2:]] if name.startswith(("B-", "I-")) else NO_TARGET for name in names])
    before = np.append(NO_TARGET, kind[corpus.targets][:-1])
    before[corpus.offsets[:-1]] = NO_TARGET
    stray = inside[corpus.targets] & (before != kind[corpus.targets])
    return np.unique(np.searchsorted(corpus.offsets, np.flatnonzero(stray), side="right") - 1)
