"""Generated texts with a label, for tests that only need something to learn."""

import random
from collections.abc import Sequence
from pathlib import Path

GOOD, BAD = ["fine", "warm", "bright", "kind"], ["dull", "cold", "bleak", "cruel"]
FILLER = ["the", "a", "film", "book", "plot", "cast", "was", "seemed", "rather", "very", "quite", "of", "with", "and"]


def write_corpus(
    path: Path,
    size: int,
    seed: int,
    good: Sequence[str] = GOOD,
    bad: Sequence[str] = BAD,
    filler: Sequence[str] = FILLER,
    num_filler: tuple[int, int] = (3, 12),
) -> None:
    """Texts whose label is decided by one word among filler, of which there are from `num_filler` to so many words."""
    generator = random.Random(seed)
    lines = []
    for _ in range(size):
        label = generator.choice(["positive", "negative"])
        words = generator.choices(filler, k=generator.randint(*num_filler))
        words.insert(generator.randrange(len(words)), generator.choice(good if label == "positive" else bad))
        lines.append(f"{label}\t{' '.join(words)}\n")
    path.write_text("".join(lines))
