"""The sections `trainer` and `stages` of an experiment."""

from typing import Annotated

from pydantic import Field

from mtlkit.config import Lazy, Spec
from mtlkit.kernels.compute import Compute, Kernels
from mtlkit.sharing import SharingScheme
from mtlkit.training.derivations import PathDerivation
from mtlkit.training.gradients import OnOutOfMemory
from mtlkit.training.loggers import Logger
from mtlkit.training.optimizers import Adam, Optimizer
from mtlkit.training.parameters import UnfreezeSettings
from mtlkit.training.precision import Precision
from mtlkit.training.records import Record, SharingRecord
from mtlkit.training.samplers import RoundRobinSampler, TaskSampler
from mtlkit.training.schedules import Schedule
from mtlkit.training.selection import MeanSelection, ModelSelection
from mtlkit.training.shards import Shard
from mtlkit.training.soundness import OnNonfinite
from mtlkit.training.update_strategies import Joint, UpdateStrategy
from mtlkit.types import Pattern, PositiveFloat, PositiveInt


class TrainerSettings(Spec):
    """How a model is trained."""

    epochs: PositiveInt = 10
    """The largest number of epochs; the task sampler determines what an epoch is."""
    batch_size: PositiveInt = 32
    """The largest number of texts in a batch; a batch belongs to one task."""
    batch_tokens: PositiveInt | None = None
    """The largest number of words in a batch, padding included, or of word pieces where the embedder reads those, so
    that a batch of long texts has fewer texts. A text that is longer is a batch of its own. None sets no limit; with a
    large `batch_size`, this limit alone sizes batches."""
    evaluation_batch_size: PositiveInt = 64
    """The number of texts in a batch during evaluation."""
    optimizer: Lazy[Optimizer] = Lazy.of(Adam)
    """The optimizer, which makes steps from gradients."""
    schedule: Lazy[Schedule] | None = None
    """The learning-rate schedule; None keeps the optimizer's rate."""
    task_sampler: Lazy[TaskSampler] = Lazy.of(RoundRobinSampler)
    """The task sampler, which determines the task of each batch, and what an epoch is."""
    update_strategy: Lazy[UpdateStrategy] = Lazy.of(Joint)
    """The update strategy, which determines what a step does with its batches."""
    selection: Lazy[ModelSelection] = Lazy.of(MeanSelection)
    """The model selection, which chooses by dev figures the epoch whose weights are kept."""
    patience: PositiveInt | None = None
    """Stop after this many epochs in which no score of the selection improved; None never stops early."""
    gradient_clip: PositiveFloat | None = 5.0
    """The largest l2 norm of all gradients together (Liu et al. 2019 print no rule; 5 is usual); None clips nothing."""
    on_nonfinite: OnNonfinite = "stop"
    """What to do when a loss or gradient is NaN or infinite. `stop` ends the run and names the step, the task and
    the texts; what was saved before is kept. `skip` leaves the step out, which is reported at the end of the epoch.
    `raise` ends with a traceback, for a debugger. On a GPU only `raise` waits for every step: `stop` comes a few steps
    late, and `skip` costs a copy of what a step changes."""
    on_out_of_memory: OnOutOfMemory = "stop"
    """What to do when a batch does not fit in memory. `stop` ends the run. `split` computes it in halves, quarters and
    so on, and adds up the gradients, which are the same up to rounding and draws of dropout; this is reported at the
    end of the epoch. Losses that a sharing scheme adds for whole batches cannot be split."""
    frozen: list[Pattern] = []
    """Patterns of the names of parameters that are not trained; each must be found in some parameter's name."""
    unfreeze: list[UnfreezeSettings] = []
    """Parameters that are frozen for some epochs at first, as in [{ pattern: '^embedders\\\\.', after: 1 }]: gradual
    unfreezing (Howard and Ruder 2018), where a layer nearer to the input has a larger `after`."""
    accumulate: PositiveInt = 1
    """The number of batches whose gradients are accumulated for one step."""
    precision: Precision = "fp32"
    """The precision of matrix products: `fp32`, or `bf16` for bfloat16; parameters stay float32."""
    checkpoint_every: PositiveInt | None = None
    """The number of steps between checkpoints, in addition to the one at the end of each epoch."""
    test_every_epoch: bool = False
    """Log test figures after each epoch as well; they never choose a model."""
    shard: Shard = "none"
    """What the processes of a run share out in place of each having all of it, with its gradients and the optimizer's
    memory of it: `none`; `tables`, the rows of word tables; `encoders`, pretrained encoders that are trained, by
    `fully_shard` of PyTorch; or `all`, both of these. One process has everything in any case."""
    threads: Annotated[int, Field(gt=0, le=1024)] = 1
    """The number of CPU threads inside an operation. Small recurrences are fastest with one."""
    network_threads: Annotated[int, Field(gt=0, le=1024)] = 1
    """The number of CPU threads that run independent networks at the same time, one thread for each network: LSTMs that
    send in direct communication, and those of `cross_stitch`. It does not change a bit of the results."""
    kernels: Kernels = "auto"
    """The kernels of message passing: `auto` the fastest available, `compiled` C++ built on first use (CPU), `graphs`
    CUDA graphs, `triton` all steps in one kernel on a CUDA device (never timed, so `auto` does not choose it), `pure`
    PyTorch with a backward pass of our own, `plain` step by step under autograd. Bidirectional LSTMs run in C++ with
    `auto` and `compiled`, and otherwise as PyTorch's own."""
    loggers: list[Lazy[Logger]] = []
    """Loggers, which write losses and scores in addition to `metrics.jsonl`."""
    records: list[Lazy[Record]] = [Lazy.of(SharingRecord)]
    """Records of the sharing, written to `sharing.jsonl` after each epoch, on texts of the dev data, or of the training
    data for a task without dev data. Training gives the same bits with and without records."""

    @property
    def compute(self) -> Compute:
        """The settings that determine how the model computes: kernels, threads and the like."""
        return Compute(self.kernels, self.threads, self.network_threads)


class StageSettings(Spec):
    """A part of a run with a trainer of its own. It begins with the best weights of the stage before it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    """The stage's name, after which its folder in the run directory and its figures are named."""
    tasks: Annotated[list[str], Field(min_length=1)] | None = None
    """The tasks that the stage trains; None for all. An archive contains those of the last stage."""
    sharing: Lazy[SharingScheme] | None = None
    """A sharing scheme in place of the model's, for this stage only."""
    derive: Lazy[PathDerivation] | None = None
    """The path derivation, which fixes each task's path, as the stage before found it, from this stage on."""
    keep: list[Pattern] | None = None
    """Patterns of parameters to take over from the stage before, [] for none; all others are newly initialised. None
    takes over every parameter that both models have."""
    trainer: TrainerSettings = TrainerSettings()
    """The trainer of the stage."""
