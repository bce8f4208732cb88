"""The tagger as one writes it by hand: PyTorch and pytorch-crf, packed sequences, bucketed batches, plain Adam.

The model is that of chunking.jsonnet, and embeddings begin as mtlkit's do.

Shapes: B batch, T words of the longest sentence, E embedding size, L tags.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from taggers.chunking import BATCH_SIZE, DIM, LEARNING_RATE, SEED, Trained, print_rate, read_sentences
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torchcrf import CRF

Example = tuple[Tensor, Tensor]
"""Ids of words and of tags."""


class Tagger(nn.Module):
    """BiLSTM-CRF."""

    def __init__(self, num_words: int, num_tags: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_words, DIM, padding_idx=0)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        self.lstm = nn.LSTM(DIM, DIM, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * DIM, num_tags)
        self.crf = CRF(num_tags, batch_first=True)

    def forward(self, words_BT: Tensor, lengths_B: Tensor, tags_BT: Tensor) -> Tensor:
        """The negative log-likelihood per token."""
        mask_BT = torch.arange(words_BT.shape[1]) < lengths_B.unsqueeze(1)
        embedded_BTE = self.embedding(words_BT)
        packed = pack_padded_sequence(embedded_BTE, lengths_B, batch_first=True, enforce_sorted=False)
        states_BTD, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        loss: Tensor = -self.crf(self.output(states_BTD), tags_BT, mask=mask_BT, reduction="token_mean")
        return loss


def numbered(folder: Path) -> tuple[list[Example], int, int]:
    """The training sentences as ids, the number of words and that of tags."""
    words, tags = {"": 0, "?": 1}, dict[str, int]()
    examples = []
    for sentence in read_sentences(folder / "train.txt"):
        word_ids = [words.setdefault(word, len(words)) for word in sentence.words]
        tag_ids = [tags.setdefault(tag, len(tags)) for tag in sentence.tags]
        examples.append((torch.tensor(word_ids), torch.tensor(tag_ids)))
    return examples, len(words), len(tags)


def bucketed(examples: Sequence[Example], randomness: random.Random) -> list[list[Example]]:
    """Batches of like lengths in any order, sorted within pools of 100 batches, as torchtext's BucketIterator did."""
    shuffled = randomness.sample(examples, len(examples))
    batches = []
    for first in range(0, len(shuffled), 100 * BATCH_SIZE):
        pool = sorted(shuffled[first : first + 100 * BATCH_SIZE], key=lambda example: len(example[0]))
        batches += [pool[start : start + BATCH_SIZE] for start in range(0, len(pool), BATCH_SIZE)]
    randomness.shuffle(batches)
    return batches


def steps(folder: Path, epochs: int = 1) -> Iterator[Trained]:
    """Reads and builds at once; trains as it is gone through, one item a step."""
    torch.manual_seed(SEED)
    examples, num_words, num_tags = numbered(folder)
    return train(Tagger(num_words, num_tags), examples, epochs)


def train(tagger: Tagger, examples: Sequence[Example], epochs: int) -> Iterator[Trained]:
    """The training loop."""
    randomness = random.Random(SEED)
    optimizer = torch.optim.Adam(tagger.parameters(), lr=LEARNING_RATE)
    for _ in range(epochs):
        for batch in bucketed(examples, randomness):
            lengths_B = torch.tensor([len(word_ids) for word_ids, _ in batch])
            words_BT = pad_sequence([word_ids for word_ids, _ in batch], batch_first=True)
            tags_BT = pad_sequence([tag_ids for _, tag_ids in batch], batch_first=True)
            loss = tagger(words_BT, lengths_B, tags_BT)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield Trained(int(lengths_B.sum()), loss.item())


if __name__ == "__main__":
    torch.set_num_threads(1)
    print_rate(steps(Path(sys.argv[1])))
