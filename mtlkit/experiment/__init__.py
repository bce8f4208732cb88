"""Experiments: their settings, their stages, their data."""

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
from mtlkit.experiment.settings import (
    SECTIONS,
    SPLITS,
    Experiment,
    InitializerSettings,
    LoadedExperiment,
    ModelSettings,
    PretrainedSettings,
    TaskSettings,
    build_model,
    load_experiment,
)
from mtlkit.experiment.stages import ONLY, TaskPaths, experiment_of, seed_of, stages_of, tasks_of

__all__ = [
    "ONLY",
    "SECTIONS",
    "SPLITS",
    "Corpora",
    "Experiment",
    "InitializerSettings",
    "LoadedExperiment",
    "ModelSettings",
    "PretrainedSettings",
    "TaskPaths",
    "TaskSettings",
    "build_model",
    "counts_of",
    "data_hashes",
    "experiment_of",
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
