"""One pass over the texts of an archive that scores them and sees what was shared.

Shapes: B batch, T words, N sources.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from mtlkit.archive import Archive
from mtlkit.data import Corpus, Vocabulary
from mtlkit.model import MultiTaskModel
from mtlkit.report.analysis.patterns import NumberedText, PairSums
from mtlkit.report.analysis.sums import OffsetSums, SenderSums
from mtlkit.report.analysis.telling import TellingTexts
from mtlkit.report.evidence import Observed
from mtlkit.runs import Wanted, scored_tasks, watching, worthless
from mtlkit.sharing import Trace, WordTrace
from mtlkit.sharing.summaries import summarise
from mtlkit.training import EvaluationTask, computing_as, decisions_of_split, decoded_batches
from mtlkit.types import Say, silent


def observe(archive: Archive, wanted: Wanted, say: Say = silent) -> dict[str, Observed]:
    """Scores an archive's tasks as `evaluate_archive` does, and sees what their texts show of the sharing.

    No batch's weights are kept but those of a few texts.

    Args:
        archive: the trained model.
        wanted: what is to be scored.
        say: told what is being scored.

    Raises:
        ConfigError: a task is unknown, or none has such a split.
        DataError: a file is wrong or missing.
    """
    found = {}
    notes: list[str] = []
    for model, task in scored_tasks(archive, wanted, say, notes.append):
        name = task.split.task
        with watching(model, name) as is_finite:
            observed = _observed(archive, model, task, wanted.batch_size)
        found[name] = replace(observed, is_finite=bool(is_finite), notes=tuple(notes))
        notes.clear()
        if not is_finite:
            say(worthless(name))
    return found


def _observed(archive: Archive, model: MultiTaskModel, task: EvaluationTask, batch_size: int | None) -> Observed:
    trainer, watch = archive.experiment.trainer, _Watch(task.split.corpus, archive.vocabulary)
    decoded: list[tuple[Tensor, Tensor]] = []

    def traces() -> Iterator[tuple[Trace, Tensor]]:
        size, precision = batch_size or trainer.evaluation_batch_size, trainer.precision
        for each in decoded_batches(model, task.split, size, precision, with_trace=True):
            decoded.append((each.batch.indices_B, each.ids))
            if each.trace is not None:
                watch.add(each.trace, each.batch.text.mask_BT, each.batch.indices_B)
                yield each.trace, each.batch.text.mask_BT

    with computing_as(trainer):
        stream = traces()
        summary = summarise(stream, task.split.task)
        deque(stream, maxlen=0)  # of what all texts have in common, the summary takes the first batch only
    predictions = task.answered(decisions_of_split(task.split, task.labels, decoded))
    return watch.observed(Observed(predictions, summary))


@final
class _Watch:
    """Collects what the words of one task read; nothing for schemes whose words do not read."""

    def __init__(self, corpus: Corpus, vocabulary: Vocabulary) -> None:
        self._corpus = corpus
        self._texts = TellingTexts(corpus)
        spelled = list(map(vocabulary.word_of, corpus.forms))
        self._names = list(dict.fromkeys(spelled))
        numbers = {name: number for number, name in enumerate(self._names)}
        # One more than there are forms: that of padding, which is masked.
        self._words_F = torch.tensor([*(numbers[name] for name in spelled), 0])
        self._pairs = PairSums(self._names)
        self._offsets = OffsetSums()
        self._senders: SenderSums | None = None
        self._reads_positions = False

    def add(self, trace: Trace, mask_BT: Tensor, indices_B: Tensor) -> None:
        """Adds a batch. A batch with a number that is not finite is skipped here: the summary shows it."""
        if not isinstance(trace, WordTrace):
            return
        weights_BTN = trace.weights_BTN.float()
        if trace.backward_BTN is not None:
            weights_BTN = (weights_BTN + trace.backward_BTN) / 2
        mask_BT = mask_BT.cpu()
        weights_BTN = weights_BTN.cpu().masked_fill(~mask_BT.unsqueeze(2), 0)
        gates = [
            gates_BT.cpu()[mask_BT] for gates_BT in (trace.gates_BT, trace.backward_gates_BT) if gates_BT is not None
        ]
        if not all(numbers.isfinite().all() for numbers in (weights_BTN, *gates)):
            return
        words_BT = self._words_F[self._forms(indices_B, mask_BT)]
        self._texts.add(trace, weights_BTN, mask_BT, indices_B)
        if trace.senders is None:
            self._reads_positions = True
            self._pairs.add(weights_BTN, mask_BT, words_BT, indices_B)
            self._offsets.add(weights_BTN, mask_BT)
        else:
            self._senders = self._senders or SenderSums(self._names, trace.senders)
            self._senders.add(weights_BTN, mask_BT, words_BT)

    def observed(self, scored: Observed) -> Observed:
        """Adds what was collected to the scores of the same texts."""
        num_texts = len(self._corpus)
        return replace(
            scored,
            texts=self._texts.chosen(scored.predictions.predicted),
            patterns=self._pairs.patterns(num_texts, self._text),
            offsets=self._offsets.offsets() if self._reads_positions else None,
            affinities=() if self._senders is None else self._senders.affinities(num_texts),
        )

    def _text(self, index: int) -> NumberedText:
        return int(self._corpus.places[index]) + 1, self._corpus.instance(index).words

    def _forms(self, indices_B: Tensor, mask_BT: Tensor) -> Tensor:
        """The numbers (B, T) of the texts' word forms."""
        starts_B = self._corpus.offsets[indices_B.numpy()]
        places_BT = torch.from_numpy(starts_B).unsqueeze(1) + torch.arange(mask_BT.shape[1])
        forms_BT = torch.from_numpy(self._corpus.tokens)[places_BT.clamp(max=len(self._corpus.tokens) - 1)].long()
        return forms_BT.masked_fill(~mask_BT, len(self._corpus.forms))
