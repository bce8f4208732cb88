"""What reading a word's characters once per form saves, and how near the floor it is: a minute.

The embedders `characters` and `character_gru` on sentences of CoNLL-2000, as mtlkit runs them, against their plain
forms over every word of a batch and all 24 characters of each. Training is a forward and a backward pass; evaluation is
a pass over 1,000 sentences. Both must come to the same vectors first, with dropout from the same draws.

The floor of the convolution is the time that this core takes to move what has to be moved once each character's
contribution to a filter is known: K rows of E numbers read for every character of a distinct form and one written;
backward, one read, and K rows read and written; an evaluation moves the forward part, for each form of all sentences.
With dropout it is the draw of all factors, of which the numbers that come after them depend, and the products of the
convolution over characters, at the rate of one large product. That of GRUs is the products of both directions for each
character of a distinct form, at the same rate.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from floors import lstm_flops, over_floor, product_rate
from measuring import Row, Timings, at_least, command_line, interleaved, write_result
from taggers.chunking import read_sentences, write_corpus
from torch import Tensor

from mtlkit.data import (
    Corpus,
    Instance,
    KeptVectors,
    TaskSplit,
    Text,
    Vocabulary,
    VocabularySettings,
    bucketed_order,
    build_vocabulary,
)
from mtlkit.embedders import CharacterEmbedder, CharacterGruEmbedder, Embedder
from mtlkit.kernels.windows.reference import largest_of_windows

DIM, FILTERS, WIDTH = 30, 50, 3
BATCHES = 12
SCORED = 1_000
BATCH_SIZE, SCORING_BATCH_SIZE = 32, 64


@dataclass(frozen=True)
class Words:
    """Batches of one split, for training and for evaluation."""

    split: TaskSplit
    training: list[Text]
    scoring: list[Tensor]

    @classmethod
    def of(cls, sentences: list[list[str]], vocabulary: Vocabulary, embedder: Embedder) -> "Words":
        """Batches of sentences of similar lengths, of all lengths."""
        corpus = Corpus.from_instances([Instance(tuple(words)) for words in sentences], "tags")
        split = TaskSplit("chunk", corpus, vocabulary, columns=embedder.tables)
        order = bucketed_order(split.lengths, BATCH_SIZE, torch.Generator().manual_seed(0))
        scoring = bucketed_order(split.lengths[:SCORED], SCORING_BATCH_SIZE, None)
        return cls(split, [split.batch(indices).text for indices in order[:BATCHES]], scoring)

    def scored(self) -> Iterator[Text]:
        """The batches of an evaluation."""
        kept = KeptVectors()
        for indices in self.scoring:
            yield self.split.batch(indices, kept=kept).text


def plain_cnn(embedder: CharacterEmbedder, text: Text) -> Tensor:
    """Every word, and all of its padding."""
    characters_WC = text.characters_BTC.flatten(0, 1)
    vectors_WCF = embedder.dropout(embedder.table(characters_WC))
    convolution = embedder.convolution
    assert convolution.bias is not None
    vectors_WE = largest_of_windows(vectors_WCF, characters_WC != 0, convolution.weight, convolution.bias)
    return vectors_WE.view(*text.mask_BT.shape, -1)


def plain_gru(embedder: CharacterGruEmbedder, text: Text) -> Tensor:
    """Every word, and all of its padding."""
    characters_WC = text.characters_BTC.flatten(0, 1)
    vectors_WE = embedder._read(embedder.dropout(embedder.table(characters_WC)), characters_WC != 0)
    return vectors_WE.view(*text.mask_BT.shape, -1)


def trained(embedder: Embedder, run: Callable[[Text], Tensor], words: Words) -> None:
    """A forward and a backward pass of every batch."""
    for text in words.training:
        torch.autograd.grad(run(text).sum(), list(embedder.parameters()))


def scored(run: Callable[[Text], Tensor], words: Words) -> None:
    """An evaluation."""
    with torch.inference_mode():
        for text in words.scored():
            run(text)


def timings_of(embedder: Any, plain: Callable[[Any, Text], Tensor], words: Words, rounds: int) -> dict[str, Timings]:
    """Training and evaluation in both ways, once they have been found to be equal."""
    ways: dict[str, Callable[[Text], Tensor]] = {"mtlkit": embedder, "plain": partial(plain, embedder)}
    for text in words.training:
        found = []
        for run in ways.values():
            torch.manual_seed(0)
            found.append(run(text))
        torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)
    training = interleaved({name: partial(trained, embedder, run, words) for name, run in ways.items()}, rounds)
    if embedder.dropout.p > 0:
        return {"training": training}
    evaluation = interleaved({name: partial(scored, run, words) for name, run in ways.items()}, rounds)
    return {"training": training, "evaluation": evaluation}


def seconds_of_bytes(num_rows: int, rounds: int) -> float:
    """Seconds that this core takes to read two numbers and write one, for so many rows of filters in its cache."""
    rows = [torch.ones(2_000, FILTERS) for _ in range(3)]
    timings = interleaved({"add": lambda: torch.add(rows[0], rows[1], out=rows[2])}, rounds)
    return timings.median("add") * num_rows / len(rows[0])


def forms_of(words: Words, what: str) -> list[Tensor]:
    """The characters of the distinct forms: of each batch in training, of all sentences in an evaluation."""
    if what == "training":
        return [text.characters_BTC[text.mask_BT].unique(dim=0) for text in words.training]
    batches = [words.split.batch(indices).text for indices in words.scoring]
    return [torch.cat([text.characters_BTC[text.mask_BT] for text in batches]).unique(dim=0)]


def floor(words: Words, what: str, rounds: int) -> float:
    """Seconds of the convolution, as the docstring says: K + 1 rows forward, and 2 K + 1 backward, in threes."""
    num_characters = sum(int((forms != 0).sum()) for forms in forms_of(words, what))
    num_rows = 3 * WIDTH + 2 if what == "training" else WIDTH + 1
    return seconds_of_bytes(num_characters * num_rows // 3, rounds)


def floor_of_grus(embedder: CharacterGruEmbedder, words: Words, what: str) -> float:
    """Seconds of the products of both directions; three gates have three quarters of an LSTM's."""
    num_characters = sum(int((forms != 0).sum()) for forms in forms_of(words, what))
    flops = 2 * 0.75 * lstm_flops([num_characters], DIM, embedder.output_dim // 2)
    return (flops if what == "training" else flops / 3) / product_rate()


def floor_with_dropout(words: Words, rounds: int) -> float:
    """Seconds of the training batches: draws, and three products of the size of the convolution without padding."""
    factors = [torch.empty(*text.characters_BTC.shape, DIM) for text in words.training]
    drawn = interleaved({"draw": lambda: [each.bernoulli_(0.7) for each in factors]}, rounds).median("draw")
    num_characters = sum(int((text.characters_BTC != 0).sum()) for text in words.training)
    return drawn + 3 * 2 * num_characters * WIDTH * DIM * FILTERS / product_rate()


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "characters", rounds=4)
    with TemporaryDirectory() as folder:
        write_corpus(Path(folder))
        sentences = [sentence.words for sentence in read_sentences(Path(folder) / "train.txt")]
    corpus = Corpus.from_instances([Instance(tuple(words)) for words in sentences], "tags")
    vocabulary = build_vocabulary({"chunk": corpus}, VocabularySettings(), None)
    torch.manual_seed(0)
    cases: dict[str, tuple[Any, Callable[[Any, Text], Tensor], float]] = {
        "CNN": (CharacterEmbedder(DIM, FILTERS, WIDTH, vocabulary=vocabulary), plain_cnn, 1.5),
        "CNN with dropout": (CharacterEmbedder(DIM, FILTERS, WIDTH, 0.3, vocabulary=vocabulary), plain_cnn, 1.5),
        "GRUs": (CharacterGruEmbedder(DIM, vocabulary=vocabulary), plain_gru, 1.5),
    }
    rows: list[Row] = []
    milliseconds = {}
    for name, (embedder, plain, target) in cases.items():
        words = Words.of(sentences, vocabulary, embedder)
        for what, found in timings_of(embedder, plain, words, arguments.rounds).items():
            size = BATCH_SIZE if what == "training" else SCORING_BATCH_SIZE
            said = f"characters by {name}, {what} against all words and padding"
            row = at_least(said, f"CoNLL-2000, batch {size}", found.ratio("plain", "mtlkit"), target)
            if name == "GRUs":
                least = floor_of_grus(embedder, words, what)
            elif embedder.dropout.p > 0:
                least = floor_with_dropout(words, arguments.rounds)
            else:
                least = floor(words, what, arguments.rounds)
            rows.append(over_floor(row, found.median("mtlkit"), least))
            milliseconds[f"{name}, {what}"] = {**found.milliseconds(), "floor": {"median": round(1000 * least, 3)}}
    write_result(arguments, rows, milliseconds=milliseconds)


if __name__ == "__main__":
    main()
