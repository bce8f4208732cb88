"""What every program that tunes a pretrained tagger has in common. Standard library only, as in taggers/.

A program is a module beside this one: `python -m tuners.with_NAME FOLDER MODEL`. It trains one epoch on the corpus in a
folder, from the pretrained encoder in another, and says its rate as JSON, as taggers/ do. All read the same sentences,
with the same encoder and one linear layer over the first piece of each word, in float32, with AdamW, in batches of
sentences of similar lengths: at most 32, and about 1,024 tokens. mtlkit's has a CRF on top, which the others lack.
"""

import gzip
import os
from pathlib import Path

from taggers.chunking import TaggedSentence

BATCH_SIZE, BATCH_TOKENS = 32, 1024
LEARNING_RATE, WEIGHT_DECAY = 5e-5, 0.01
CLIP = 1.0
SEED = 13
LONGEST = 128
"""Pieces of a sentence at most, which is MaChAmp's default; no sentence here is longer."""


def write_corpus(folder: Path, sentences: int) -> None:
    """Writes sentences of the English Web Treebank with their universal tags as `train.txt`, spread over the file.

    Raises:
        SystemExit: there is no corpus.
    """
    source = Path(os.environ.get("MTLKIT_DATA", ""), "seqlab", "ewt-pos-ner", "train.tsv.gz")
    if not source.is_file():
        raise SystemExit(
            f"needs the English Web Treebank: set MTLKIT_DATA to the folder that holds {source.parts[-3:]}"
        )
    found = []
    for block in gzip.decompress(source.read_bytes()).decode("utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.split("\n") if "\t" in line]
        if 0 < len(rows) <= LONGEST // 2:
            found.append("\n".join(f"{row[0]}\t{row[1]}" for row in rows))
    chosen = found[:: max(len(found) // sentences, 1)][:sentences]
    (folder / "train.txt").write_text("\n\n".join(chosen) + "\n\n", encoding="utf-8")


def read_sentences(folder: Path) -> list[TaggedSentence]:
    """The sentences that `write_corpus` has written."""
    blocks = (folder / "train.txt").read_text(encoding="utf-8").strip().split("\n\n")
    rows = ([line.split("\t") for line in block.split("\n")] for block in blocks)
    return [TaggedSentence([row[0] for row in each], [row[1] for row in each]) for each in rows]


def tags_of(sentences: list[TaggedSentence]) -> dict[str, int]:
    """The number of each tag."""
    return {tag: number for number, tag in enumerate(sorted({tag for each in sentences for tag in each.tags}))}
