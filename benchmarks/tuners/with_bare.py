"""The tagger as one writes it by hand: PyTorch and transformers, sentences sorted by length, fused AdamW."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from taggers.chunking import TaggedSentence, Trained, print_rate
from torch.nn import functional as F
from transformers import AutoModelForTokenClassification, AutoTokenizer
from tuners.tagging import (
    BATCH_SIZE,
    BATCH_TOKENS,
    CLIP,
    LEARNING_RATE,
    LONGEST,
    SEED,
    WEIGHT_DECAY,
    read_sentences,
    tags_of,
)

IGNORED = -100


def batches_of(sentences: list[TaggedSentence], lengths: list[int]) -> list[list[TaggedSentence]]:
    """Sentences of similar lengths, in any order of batches."""
    batches: list[list[TaggedSentence]] = [[]]
    for length, place in sorted((length, place) for place, length in enumerate(lengths)):
        if len(batches[-1]) == BATCH_SIZE or (len(batches[-1]) + 1) * length > BATCH_TOKENS:
            batches.append([])
        batches[-1].append(sentences[place])
    random.Random(SEED).shuffle(batches)
    return batches


def encoded(batch: list[TaggedSentence], tokenizer: Any, tags: dict[str, int]) -> tuple[Any, torch.Tensor]:
    """What the encoder reads, and the tag of each first piece, with `IGNORED` elsewhere."""
    read = tokenizer([each.words for each in batch], is_split_into_words=True, padding=True, return_tensors="pt")
    targets = torch.full_like(read["input_ids"], IGNORED)
    for row, sentence in enumerate(batch):
        before = None
        for place, word in enumerate(read.word_ids(row)):
            if word is not None and word != before:
                targets[row, place] = tags[sentence.tags[word]]
            before = word
    return read, targets


def steps(folder: Path, model: str) -> Iterator[Trained]:
    """Reads and builds at once; trains as it is gone through, one item a step."""
    torch.manual_seed(SEED)
    sentences = read_sentences(folder)
    tags = tags_of(sentences)
    tokenizer = AutoTokenizer.from_pretrained(model)
    tagger = AutoModelForTokenClassification.from_pretrained(model, num_labels=len(tags)).train()
    lengths = [len(ids) for ids in tokenizer([each.words for each in sentences], is_split_into_words=True)["input_ids"]]
    assert max(lengths) <= LONGEST
    optimizer = torch.optim.AdamW(tagger.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)

    def train() -> Iterator[Trained]:
        for batch in batches_of(sentences, lengths):
            read, targets = encoded(batch, tokenizer, tags)
            logits = tagger(**read).logits
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tagger.parameters(), CLIP)
            optimizer.step()
            yield Trained(sum(len(each.words) for each in batch), loss.item())

    return train()


if __name__ == "__main__":
    torch.set_num_threads(1)
    print_rate(steps(Path(sys.argv[1]), sys.argv[2]))
