"""Checks the columns of an embedder.

Shapes: F surface forms, C integers per form.
"""

import numpy as np

from mtlkit.data.columns import Table
from mtlkit.embedders import Embedder
from mtlkit.errors import ComponentError
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import SENTENCES

FORMS = (*dict.fromkeys(word for sentence in SENTENCES for word in sentence.split()), "Zoë's", "x" * 60, "\u6f22")
"""Words of the sample, and some that do not occur in training."""


def check_columns(embedder: Embedder) -> None:
    """Checks that the tables are valid and that each row depends on its form only."""
    whole = _tables(embedder, FORMS)
    again = _tables(embedder, FORMS)
    promise(
        whole.keys() == again.keys() and all(np.array_equal(whole[name], again[name]) for name in whole),
        "its columns are others the second time",
    )
    for place, form in enumerate(FORMS):
        alone = _tables(embedder, (form,))
        same = alone.keys() == whole.keys()
        promise(same, f"it gives the columns {list(alone)} at one time, {list(whole)} at another")
        for name, table in alone.items():
            promise(
                _is_same_row(table[0], whole[name][place]),
                f"in its column '{name}' the row of a form depends on the other forms, so that a model would answer "
                "one text in another way than many",
            )


def _tables(embedder: Embedder, forms: tuple[str, ...]) -> dict[str, Table]:
    with doing("asked for the columns of some forms"):
        try:
            return embedder.tables(forms)
        except ComponentError as error:
            raise AssertionError(str(error)) from None


def _is_same_row(one: Table, other: Table) -> bool:
    """Returns whether two rows, possibly of tables of different widths, are equal apart from padding at the end."""
    one, other = np.atleast_1d(one), np.atleast_1d(other)
    width = min(len(one), len(other))
    return np.array_equal(one[:width], other[:width]) and not one[width:].any() and not other[width:].any()
