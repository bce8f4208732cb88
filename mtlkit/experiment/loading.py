"""An experiment file, evaluated and validated."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlkit.config import Variables, apply_overrides, evaluate_file, experiment_root, validate
from mtlkit.errors import ConfigError
from mtlkit.experiment.settings import Experiment


@dataclass(frozen=True)
class LoadedExperiment:
    """An experiment and the files it came from."""

    experiment: Experiment
    file: Path
    sources: dict[str, str]
    """Text of the experiment file and of all it imported, by path."""

    @property
    def source(self) -> str:
        """The experiment file's own key in `sources`."""
        return self.file.resolve().relative_to(experiment_root(self.file)).as_posix()

    @property
    def name(self) -> str:
        """`fdu-ic` for `experiments/fdu/ic.jsonnet`."""
        return "-".join(Path(self.source).with_suffix("").parts)


def load_experiment(file: Path, variables: Variables | None = None, overrides: Sequence[str] = ()) -> LoadedExperiment:
    """Evaluates and validates an experiment file.

    Raises:
        ConfigError: with every error in it, each with its place.
    """
    try:
        evaluated = evaluate_file(file, variables)
        value = apply_overrides(evaluated.value, list(overrides))
        return LoadedExperiment(validate(Experiment, value, str(file)), file, evaluated.sources)
    except RecursionError:
        raise ConfigError(f"{file}: objects and lists are nested too deeply to be an experiment") from None
