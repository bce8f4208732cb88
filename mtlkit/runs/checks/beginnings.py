"""Mistakes in the initial weights of models: in initialisers, and in parts of other archives."""

from collections.abc import Iterator
from typing import final

from torch import Tensor

from mtlkit.errors import MtlkitError
from mtlkit.experiment import Experiment, PretrainedSettings
from mtlkit.model import MultiTaskModel
from mtlkit.runs.new_model import initialize, made_for_vocabulary, names_in_both, read_weights
from mtlkit.training import taken_over


@final
class Beginnings:
    """Checks the initial weights of the models of all stages. Every pattern must match in at least one of them."""

    def __init__(self, experiment: Experiment) -> None:
        self.initializers = experiment.model.initializers
        self.pretrained = [
            _Pretrained(f"model.pretrained.{number}", settings)
            for number, settings in enumerate(experiment.model.pretrained)
        ]
        self.used: set[int] = set()

    def problems(self, model: MultiTaskModel) -> Iterator[str]:
        """Yields the problems with the initial weights of the model of one stage, which is on the meta device."""
        try:
            self.used |= initialize(model, self.initializers)
        except MtlkitError as error:
            yield str(error)
        for pretrained in self.pretrained:
            yield from pretrained.problems(model)

    def unused(self) -> Iterator[str]:
        """Yields a problem for each pattern that no parameter of any model matched."""
        for number, rule in enumerate(self.initializers):
            if number not in self.used:
                left = " that the entries before leave" if number else ""
                yield f"model.initializers.{number}.pattern: no parameter{left} is named like '{rule.pattern}'; mend it"
        for pretrained in self.pretrained:
            yield from pretrained.unused()


@final
class _Pretrained:
    """Checks an entry of `model.pretrained`; its archive is read when the first model is checked."""

    def __init__(self, place: str, settings: PretrainedSettings) -> None:
        self.place = place
        self.settings = settings
        self.weights: dict[str, Tensor] | None = None
        self.used: set[str] = set()

    def problems(self, model: MultiTaskModel) -> Iterator[str]:
        if self.weights is None:
            try:
                self.weights = read_weights(self.settings, self.place).weights
            except (MtlkitError, OSError) as error:  # the latter for a path that is none
                self.weights = {}
                told = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
                yield told if told.startswith(self.place) else f"{self.place}.archive: {told}"
                self.used.update(self.settings.parameters)
                return
            yield from self._idle_renames()
        found = [pattern for pattern in self.settings.parameters if names_in_both([pattern], self.weights, model)]
        self.used.update(found)
        own = model.state_dict()
        # Word tables and output layers are as large as vocabularies, which are not known yet.
        by_vocabulary = {name: tensor for name, tensor in own.items() if made_for_vocabulary(name)}
        sized = {name: by_vocabulary.get(name, tensor) for name, tensor in self.weights.items()}
        try:
            taken_over(model, sized, found)
        except MtlkitError as error:
            yield f"{self.place}.parameters.{error}"

    def _idle_renames(self) -> Iterator[str]:
        for old, new in self.settings.rename.items():
            if not any(name.startswith(new) for name in self.weights or ()):
                yield f"{self.place}.rename: in {self.settings.archive} no parameter's name begins with '{old}'"

    def unused(self) -> Iterator[str]:
        """Yields a problem for each pattern of the entry that no parameter of any model matched."""
        for number, pattern in enumerate(self.settings.parameters):
            if pattern not in self.used:
                yield (
                    f"{self.place}.parameters.{number}: no parameter that both models have is named like '{pattern}'; "
                    "where the same part has another name there, say so in rename"
                )
