"""The sections `trainer` and `stages` of an experiment."""

from typing import Annotated

from pydantic import Field

from mtlkit.config import Lazy, Spec
from mtlkit.kernels.compute import Compute, Kernels
from mtlkit.sharing import SharingScheme
from mtlkit.training.derivations import PathDerivation
from mtlkit.training.gradients import OnOutOfMemory
from mtlkit.training.loggers import Logger
from mtlkit.training.optimization import Precision
from mtlkit.training.optimizers import Adam, Optimizer
from mtlkit.training.records import Record, SharingRecord
from mtlkit.training.samplers import RoundRobinSampler, TaskSampler
from mtlkit.training.schedules import Schedule
from mtlkit.training.selection import MeanSelection, ModelSelection
from mtlkit.training.soundness import OnNonfinite
from mtlkit.training.update_strategies import Joint, UpdateStrategy
from mtlkit.types import Pattern, PositiveFloat, PositiveInt


class TrainerSettings(Spec):
    """How a model is trained."""

    epochs: PositiveInt = 10
    """Most epochs; the task sampler says what an epoch is."""
    batch_size: PositiveInt = 32
    """Texts in a batch, at most; a batch belongs to one task."""
    batch_tokens: PositiveInt | None = None
    """Words in a batch with padding, at most: a batch of long texts has fewer of them. A text that is longer is a batch
    of its own. None leaves it to `batch_size`; with a large `batch_size` this alone sizes batches."""
    evaluation_batch_size: PositiveInt = 64
    """Texts in a batch where nothing is learned."""
    optimizer: Lazy[Optimizer] = Lazy.of(Adam)
    """Makes steps from gradients."""
    schedule: Lazy[Schedule] | None = None
    """Learning-rate schedule; none keeps the optimiser's own rate."""
    task_sampler: Lazy[TaskSampler] = Lazy.of(RoundRobinSampler)
    """Whose turn it is, and what an epoch is."""
    update_strategy: Lazy[UpdateStrategy] = Lazy.of(Joint)
    """What a step does with its batches."""
    selection: Lazy[ModelSelection] = Lazy.of(MeanSelection)
    """Which epoch's weights are kept, by dev figures."""
    patience: PositiveInt | None = None
    """Stop after this many epochs in which no score of the selection improved; none never stops early."""
    gradient_clip: PositiveFloat | None = 5.0
    """Largest l2 norm of all gradients together (Liu et al. 2019 print no rule; 5 is usual)."""
    on_nonfinite: OnNonfinite = "stop"
    """What is done where a loss or gradient is NaN or infinite. `stop` ends the run and names the step, the task and
    the texts; what was saved before is kept. `skip` leaves the step out, which is reported at the end of the epoch.
    `raise` ends with a traceback, for a debugger. On a GPU only `raise` waits for every step: `stop` comes a few steps
    late, and `skip` costs a copy of what a step changes."""
    on_out_of_memory: OnOutOfMemory = "stop"
    """What is done where a batch does not fit the memory. `stop` ends the run. `split` takes it in halves, quarters and
    so on, and adds up the gradients, which are the same up to rounding and draws of dropout; reported at the end of the
    epoch. Losses that a sharing scheme adds for whole batches cannot be split."""
    frozen: list[Pattern] = []
    """Patterns of parameters that stay as they are; each must be found in some parameter's name."""
    accumulate: PositiveInt = 1
    """Batches whose gradients make one step."""
    precision: Precision = "fp32"
    """`bf16` runs matrix products in bfloat16; parameters stay float32."""
    checkpoint_every: PositiveInt | None = None
    """Steps between checkpoints, beside the one at the end of each epoch."""
    test_every_epoch: bool = False
    """Log test figures after each epoch as well; they never choose a model."""
    threads: Annotated[int, Field(gt=0, le=1024)] = 1
    """CPU threads inside an operation. Small recurrences are fastest with one."""
    network_threads: Annotated[int, Field(gt=0, le=1024)] = 1
    """CPU threads that run networks at once which do not depend on each other, one thread in each: LSTMs that send in
    direct communication, and those of `cross_stitch`. Results are the same bits whatever it is."""
    kernels: Kernels = "auto"
    """What runs message passing: `auto` the fastest there is, `compiled` C++ built on first use (CPU), `graphs` CUDA
    graphs, `pure` PyTorch with a backward pass of its own, `plain` step by step under autograd. LSTMs that read both
    ways run in C++ with `auto` and `compiled`, else by PyTorch's own."""
    loggers: list[Lazy[Logger]] = []
    """Where losses and scores are logged in addition to `metrics.jsonl`."""
    records: list[Lazy[Record]] = [Lazy.of(SharingRecord)]
    """What is written down of the sharing after each epoch, to `sharing.jsonl`, with texts of the dev data, or of the
    training data where a task has no dev data. Training comes to the same bits with and without."""

    @property
    def compute(self) -> Compute:
        """How the model is to compute."""
        return Compute(self.kernels, self.threads, self.network_threads)


class StageSettings(Spec):
    """A part of a run with a trainer of its own. It begins with the best weights of the stage before it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    """Names its folder in the run directory, and its figures."""
    tasks: Annotated[list[str], Field(min_length=1)] | None = None
    """The tasks that it trains; none given for all. Those of the last stage are the archive's."""
    sharing: Lazy[SharingScheme] | None = None
    """A sharing scheme in place of the model's, for this stage only."""
    derive: Lazy[PathDerivation] | None = None
    """Fixes each task's path, as found by the stage before, for this stage and all that follow."""
    keep: list[Pattern] | None = None
    """Patterns of parameters to take over from the stage before, [] for none; the others begin anew. Where it is left
    out, all that both models have."""
    trainer: TrainerSettings = TrainerSettings()
    """How it trains."""
