"""An entry of the `stages` section of an experiment."""

from typing import Annotated

from pydantic import Field

from mtlkit.config import Lazy, Spec
from mtlkit.sharing import SharingScheme
from mtlkit.training.derivations import PathDerivation
from mtlkit.training.settings import TrainerSettings
from mtlkit.types import Pattern


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
