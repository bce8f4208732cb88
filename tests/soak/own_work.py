"""What a user has made who works with mtlkit: an experiment, its data, a finished run, and one that was interrupted."""

import json
import random
from pathlib import Path
from typing import Any

from tests.soak.forked import Circumstances, Forked
from tests.soak.tiny_archive import write_tiny

TRAINER = {"epochs": 6, "batch_size": 8, "optimizer": {"type": "adam", "lr": 0.02}, "checkpoint_every": 3}
MODEL = {
    "embedder": {"type": "words", "dim": 4},
    "sharing": {"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 4}},
}
"""As in the archives of `tiny_archive`."""
SWEEP = ("--grid", "trainer.patience=1", "-o", "trainer.epochs=1")
"""What the sweep is asked for."""
FILLER = ["a", "the", "of", "film", "book", "plot", "and"]
MOODS = {"positive": "fine", "negative": "dull"}
PATIENCE_SECONDS = 900.0


def make_own_work(mine: Path, log: Path, circumstances: Circumstances) -> None:
    """Fills the folder: `e.json`, data of the tasks `books` and `news`, the runs `run`, `other` and `begun`, the sweep
    `points`, texts to answer, and `good.tar.gz`, a small archive.
    """
    generator = random.Random(1)
    tasks = {"books": _books(mine, generator), "news": _news(mine, generator)}
    experiment = {"tasks": tasks, "model": MODEL, "trainer": TRAINER}
    (mine / "e.json").write_text(json.dumps(experiment))
    (mine / "texts.txt").write_text("fine film\ndull film\n")
    write_tiny(mine / "good.tar.gz")
    for name, seed in (("run", 13), ("other", 14)):
        process = Forked(["train", mine / "e.json", "-s", mine / name, "-o", f"seed={seed}"], log, circumstances)
        assert process.wait(PATIENCE_SECONDS) == 0, process.output()
    process = Forked(["sweep", mine / "e.json", "-s", mine / "points", *SWEEP], log, circumstances)
    assert process.wait(PATIENCE_SECONDS) == 0, process.output()
    begun = mine / "begun"
    process = Forked(["train", mine / "e.json", "-s", begun, "-o", "trainer.epochs=40"], log, circumstances)
    process.wait_until(lambda: any(begun.glob("checkpoints/step-*")))
    process.kill()


def _books(folder: Path, generator: random.Random) -> dict[str, Any]:
    files = {split: folder / f"books.{split}.tsv" for split in ("train", "dev", "test")}
    for file in files.values():
        moods = generator.choices(list(MOODS), k=16)
        file.write_text("".join(f"{mood}\t{' '.join(_words(MOODS[mood], generator))}\n" for mood in moods))
    return {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}, **_paths(files)}


def _news(folder: Path, generator: random.Random) -> dict[str, Any]:
    files = {split: folder / f"news.{split}.txt" for split in ("train", "dev", "test")}
    for file in files.values():
        sentences = [_words("Rome", generator) for _ in range(16)]
        tagged = ["".join(f"{word} {'B-X' if word == 'Rome' else 'O'}\n" for word in words) for words in sentences]
        file.write_text("\n".join(tagged))
    return {"reader": {"type": "columns", "tags": 1}, "head": {"type": "crf_tagger"}, **_paths(files)}


def _paths(files: dict[str, Path]) -> dict[str, str]:
    return {split: str(file) for split, file in files.items()}


def _words(word: str, generator: random.Random) -> list[str]:
    words = generator.choices(FILLER, k=generator.randint(2, 6))
    words.insert(generator.randrange(len(words)), word)
    return words
