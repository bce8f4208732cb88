"""United tasks against separate ones (Chen et al. 2018, Table 4): `python experiments/united_table.py`.

Made of what is kept of the tables `ewt_united` and `ewt_grid`. Both are scored on the same words: a united task's
figure is the share of all domains' words that are right, so the separate tasks' figures are averaged here with the
words of their domains as weights; plain averages would compare words with domains.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean

from mtlkit.comparison import read_record
from mtlkit.data import Instance
from mtlkit.data.readers import ColumnsReader
from mtlkit.figures import Figure

RESULTS = Path(__file__).parent.parent / "docs" / "results"
KINDS = ("chunk", "ner", "pos", "srl")
DOMAINS = ("answers", "email", "newsgroup", "reviews", "weblog")

HEADER = """# United tasks against separate ones

Written by `python experiments/united_table.py` from the results in [ewt_united](ewt_united) and
[ewt_grid](ewt_grid), seed 13 of each. Token accuracy on the test words of the English Web Treebank, in percent, all
words counted alike: separate tasks are averaged with the words of their domains as weights ({words}).

| system | grid | {kinds} | average |
|---|---|{rules}---|"""


def lines(words: Mapping[str, int]) -> Iterator[str]:
    """The page."""
    counts = ", ".join(f"{domain} {count:,}" for domain, count in words.items())
    yield HEADER.format(words=counts, kinds=" | ".join(KINDS), rules="---|" * len(KINDS))
    for file in sorted((RESULTS / "ewt_united").glob("*-13.json")):
        separate = RESULTS / "ewt_grid" / file.name
        if separate.exists():
            yield row(file, "united", {kind: figure(file, kind) for kind in KINDS})
            total = sum(words.values())
            weighted = {
                kind: sum(count * figure(separate, f"{domain}_{kind}") for domain, count in words.items()) / total
                for kind in KINDS
            }
            yield row(file, "separate", weighted)


def row(file: Path, grid: str, figures: Mapping[str, float]) -> str:
    """A line of the table."""
    cells = [f"{100 * value:.1f}" for value in (*figures.values(), fmean(figures.values()))]
    return f"| {' | '.join([file.name.removesuffix('-13.json'), grid, *cells])} |"


def figure(file: Path, task: str) -> float:
    """A task's token accuracy on test data."""
    return read_record(file).figures["test"][str(Figure(task, "token_accuracy"))]


def words_by_domain(corpus: str) -> dict[str, int]:
    """Words of the test data in each domain."""
    counts = {}
    for domain in DOMAINS:
        sentences = ColumnsReader("UPOS", "TOKEN", domain=domain).read(corpus)
        counts[domain] = sum(len(sentence.words) for sentence in sentences if isinstance(sentence, Instance))
    return counts


if __name__ == "__main__":
    test = f"{os.environ['MTLKIT_DATA']}/seqlab/ewt-grid/test.tsv.gz"
    (RESULTS / "ewt_united-separate.md").write_text("\n".join(lines(words_by_domain(test))) + "\n", encoding="utf-8")
