"""Writes all pages of docs/results that are made of other files there: `python experiments/pages_of_results.py`.

For when results have been added: the tables, the claims with intervals, the figure of FDU-MTL and all.csv. Nothing is
trained.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import claims_table
import fdu_figure
from table_page import page
from tables import TABLES

from mtlkit.errors import MtlkitError
from mtlkit.files import write_atomically

RESULTS = Path(__file__).parent.parent / "docs" / "results"
sys.path.insert(0, str(RESULTS))  # a script beside its results, in no package
import table_of_all  # noqa: E402


def contents() -> Iterator[tuple[str, bytes]]:
    """The names and bytes of all files that are made of several tables, or are no table."""
    yield "claims.md", claims_table.page().encode()
    yield "fdu.svg", fdu_figure.drawn(fdu_figure.rows(RESULTS / "fdu"))
    yield "all.csv", table_of_all.table(table_of_all.rows(RESULTS)).encode()


def main() -> None:
    try:
        for name in TABLES:
            if (RESULTS / name).is_dir():
                page(RESULTS, name)
        for name, content in contents():
            write_atomically(RESULTS / name, content)
    except MtlkitError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
