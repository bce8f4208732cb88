"""Experiments: their settings, their stages and their data."""

from mtlkit.experiment.corpora import (
    Corpora,
    counts_of,
    data_hashes,
    load_corpora,
    load_split,
    load_splits,
    make_vocabulary,
    read_vectors,
    say_counts,
)
from mtlkit.experiment.labels import check_known_labels
from mtlkit.experiment.loading import AnyExperiment, LoadedExperiment, Overrides, jsonnet_variables, load_experiment
from mtlkit.experiment.settings import (
    SECTIONS,
    SPLITS,
    Experiment,
    InitializerSettings,
    ModelSettings,
    PretrainedSettings,
    TaskSettings,
    build_model,
)
from mtlkit.experiment.stages import ONLY, TaskPaths, experiment_of, seed_of, stages_of, tasks_of

__all__ = [
    "ONLY",
    "SECTIONS",
    "SPLITS",
    "AnyExperiment",
    "Corpora",
    "Experiment",
    "InitializerSettings",
    "LoadedExperiment",
    "ModelSettings",
    "Overrides",
    "PretrainedSettings",
    "TaskPaths",
    "TaskSettings",
    "build_model",
    "check_known_labels",
    "counts_of",
    "data_hashes",
    "experiment_of",
    "jsonnet_variables",
    "load_corpora",
    "load_experiment",
    "load_split",
    "load_splits",
    "make_vocabulary",
    "read_vectors",
    "say_counts",
    "seed_of",
    "stages_of",
    "tasks_of",
]
