"""The tagger in MaChAmp, tuned by its own trainer. Runs in an environment of its own."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
from machamp.model import trainer
from machamp.model.callback import Callback
from taggers.chunking import peak_mebibytes, say
from tuners.tagging import BATCH_SIZE, BATCH_TOKENS, LEARNING_RATE, LONGEST, SEED, WEIGHT_DECAY, read_sentences


class Clock(Callback):  # type: ignore[misc]  # machamp has no types
    """CPU time of an epoch's training; what follows is metrics and saving."""

    seconds, peak = 0.0, 0

    def start_epoch_timer(self) -> None:
        """The epoch begins."""
        super().start_epoch_timer()
        self.started = time.process_time()

    def add_train_results(self, *results: Any) -> None:
        """It is over."""
        Clock.seconds += time.process_time() - self.started
        Clock.peak = peak_mebibytes()
        super().add_train_results(*results)


def settings(defaults: Path, model: str) -> dict[str, Any]:
    """MaChAmp's defaults for all but what programs have in common, and without gradual unfreezing, which would keep the
    encoder frozen in the only epoch."""
    import _jsonnet

    chosen: dict[str, Any] = json.loads(_jsonnet.evaluate_file(str(defaults)))
    chosen["transformer_model"] = model
    chosen["encoder"] |= {"dropout": 0.0, "max_input_length": LONGEST}
    chosen["batching"] |= {"batch_size": BATCH_SIZE, "max_tokens": BATCH_TOKENS}
    chosen["training"]["num_epochs"] = 1
    chosen["training"]["learning_rate_scheduler"] |= {"discriminative_fine_tuning": False, "gradual_unfreezing": False}
    chosen["training"]["optimizer"] |= {"lr": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    return chosen


def main(folder: Path, model: str) -> None:
    """Trains one epoch and prints its rate."""
    torch.set_num_threads(1)
    defaults = Path(trainer.__file__).parents[2] / "configs" / "params.json"
    (folder / "parameters.json").write_text(json.dumps(settings(defaults, model)))
    task = {"task_type": "seq", "column_idx": 1}
    data = {"EWT": {"train_data_path": str(folder / "train.txt"), "word_idx": 0, "tasks": {"pos": task}}}
    (folder / "data.json").write_text(json.dumps(data))
    trainer.Callback = Clock
    output = folder / f"machamp-{os.getpid()}"
    output.mkdir()
    asked = [str(folder / "parameters.json"), [str(folder / "data.json")], "cpu"]
    trainer.train("tagger", *asked, seed=SEED, model_dir=f"{output}/run/")
    say(sum(len(each.words) for each in read_sentences(folder)), Clock.seconds, [], Clock.peak)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
