"""The initial weights of a model: those of its components, overridden by initialisers, then by parts of archives."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from mtlkit.archive import TooManyParts, limited_parts, open_archive
from mtlkit.config import Component
from mtlkit.data import Vectors, Vocabulary
from mtlkit.embedders import Embedder
from mtlkit.errors import ConfigError
from mtlkit.experiment import Experiment, InitializerSettings, PretrainedSettings, build_model
from mtlkit.files import file_sha256
from mtlkit.files.ownership import temporary_folder
from mtlkit.model import MultiTaskModel
from mtlkit.training import taken_over
from mtlkit.types import Say, silent


def new_model(
    experiment: Experiment, vocabulary: Vocabulary, vectors: Vectors | None, say: Say = silent
) -> MultiTaskModel:
    """Builds the experiment's model on the CPU, with the weights with which its training begins.

    Where all weights are loaded afterwards, `build_model` is enough.

    Raises:
        ConfigError: parts do not fit each other, the tasks, or the weights to be taken from another archive.
        ArchiveError: an archive cannot be read.
    """
    try:
        with limited_parts(experiment):
            model = build_model(experiment, vocabulary, vectors)
    except TooManyParts as error:  # which an archive could not hold
        raise ConfigError(f"model: {error}; make it smaller") from None
    initialize(model, experiment.model.initializers)
    for number, settings in enumerate(experiment.model.pretrained):
        place = f"model.pretrained.{number}"
        theirs = read_weights(settings, place)
        weights = theirs.weights
        # In a run of stages, a pattern may be for the model of another stage.
        patterns = [pattern for pattern in settings.parameters if names_in_both([pattern], weights, model)]
        names = names_in_both(patterns, weights, model)
        _check_vocabularies(model, names, vocabulary, theirs.vocabulary, place)
        _check_files(model, names, theirs.files, place)
        wanted = taken_over(model, weights, patterns)
        model.load_state_dict(wanted, strict=False)
        say(f"{len(wanted)} tensors begin as in {settings.archive}")
    return model


@torch.no_grad()
def initialize(model: nn.Module, rules: Sequence[InitializerSettings]) -> set[int]:
    """Fills each parameter by the first rule whose pattern is found in its name; other parameters stay as they are. By
    a rule with `alike`, parameters of one shape whose names differ in the task alone get the values of the first.

    Returns:
        The numbers of the rules that have filled a parameter.

    Raises:
        ConfigError: a rule for matrices matches a vector.
    """
    initializers = [rule.initializer.build() for rule in rules]
    tasks = model.tasks if isinstance(model, MultiTaskModel) else []
    used, filled = set(), dict[tuple[object, ...], Tensor]()
    for name, parameter in model.named_parameters():
        number = next((n for n, rule in enumerate(rules) if re.search(rule.pattern, name)), None)
        if number is None:
            continue
        if initializers[number].needs_matrix and parameter.dim() < 2:
            kind = rules[number].initializer.type
            raise ConfigError(
                f"model.initializers.{number}: '{kind}' is for matrices, and {name} is a vector; narrow the pattern, "
                "such as by 'weight' in it"
            )
        of_any_task = (number, parameter.shape, *("" if part in tasks else part for part in name.split(".")))
        if rules[number].alike and of_any_task in filled:
            parameter.copy_(filled[of_any_task])
        else:
            initializers[number].fill(parameter)
        filled[of_any_task] = parameter
        used.add(number)
    for module in model.modules():
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()
    return used


@dataclass(frozen=True)
class ForeignWeights:
    """Weights that were read from another archive."""

    weights: dict[str, Tensor]
    """The tensors, by the names of the parameters of this model that they are for."""
    vocabulary: Vocabulary
    files: dict[str, dict[str, str]]
    """Digests of the files that modules keep of their own, by the names of the corresponding modules of this model."""


def read_weights(settings: PretrainedSettings, place: str) -> ForeignWeights:
    """Reads the weights of the archive that an entry of `model.pretrained` names.

    Raises:
        ArchiveError, ConfigError: the archive cannot be read, or it has a set of weights for each task and none is
            named.
    """
    with open_archive(settings.archive, torch.device("cpu")) as archive:
        tasks = list(archive.experiment.tasks)
        if settings.task is not None and settings.task not in tasks:
            raise ConfigError(f"{place}.task: {settings.archive} has no task '{settings.task}' ({', '.join(tasks)})")
        if settings.task is None and archive.num_weights > 1:
            raise ConfigError(f"{place}.task: {settings.archive} keeps weights for each task; name one of them")
        model = archive.model_for(settings.task or tasks[0])
        weights = {_renamed(name, settings.rename): tensor for name, tensor in model.state_dict().items()}
        files = {_renamed(f"{name}.", settings.rename)[:-1]: digests for name, digests in _digests_of(model).items()}
        return ForeignWeights(weights, archive.vocabulary, files)


def names_in_both(patterns: Sequence[str], weights: Mapping[str, Tensor], model: MultiTaskModel) -> list[str]:
    """The names of the parameters that both the model and `weights` have, and in which one of the patterns is found."""
    both = [name for name in model.state_dict() if name in weights]
    return [name for name in both if any(re.search(pattern, name) for pattern in patterns)]


def made_for_vocabulary(name: str) -> bool:
    """Whether a parameter's rows stand for words, characters or labels."""
    return name.startswith(("embedders.", "heads."))


def _check_vocabularies(
    model: MultiTaskModel, names: Collection[str], ours: Vocabulary, theirs: Vocabulary, place: str
) -> None:
    """Refuses word tables and output layers of another vocabulary, whose rows stand for other words or labels."""
    for name in filter(made_for_vocabulary, names):
        part, owner, parameter = name.split(".", 2)
        if part == "embedders":
            spaces = cast(Embedder, model.embedders[owner]).namespaces_of(parameter)
        else:
            spaces = (f"labels/{owner}",)
        differing = [space for space in spaces if space not in theirs.namespaces or ours[space] != theirs[space]]
        if differing:
            what = "characters" if differing == ["characters"] else "words or labels"
            raise ConfigError(
                f"{place}: {name} is made for the {what} of the archive, which are others here; leave it out of "
                "parameters, or train on the same data"
            )


def _check_files(
    model: MultiTaskModel, names: Collection[str], theirs: Mapping[str, Mapping[str, str]], place: str
) -> None:
    """Refuses weights of modules whose own files differ, which say, for example, what the rows of a table mean."""
    ours = _digests_of(model)
    for name in names:
        parts = name.split(".")
        for outer in (".".join(parts[:length]) for length in range(1, len(parts))):
            if ours.get(outer) != theirs.get(outer):
                raise ConfigError(
                    f"{place}: {name} is made for files of the archive, which are others here; leave it out of "
                    "parameters"
                )


def _digests_of(model: nn.Module) -> dict[str, dict[str, str]]:
    """sha256 of the files that modules keep of their own, by the names of the modules that have any."""
    found: dict[str, dict[str, str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, Component) and module.saves_files:
            with temporary_folder() as folder:
                module.save_files(folder)
                found[name] = {file.name: file_sha256(file) for file in sorted(folder.iterdir())}
    return found


def _renamed(name: str, rename: Mapping[str, str]) -> str:
    for old, new in rename.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
