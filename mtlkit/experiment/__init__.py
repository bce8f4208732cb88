"""Experiments: their settings, their stages and their data."""

from mtlkit.experiment.corpora import (
    Corpora,
    counts_of,
    load_corpora,
    load_split,
    load_splits,
    loader_of,
    say_counts,
    skipped_told,
    structure_told,
)
from mtlkit.experiment.data_files import data_hashes, hashes_of_read, other_fingerprints
from mtlkit.experiment.earlier import BEFORE, as_it_was
from mtlkit.experiment.labels import check_known_labels
from mtlkit.experiment.loading import (
    AnyExperiment,
    LoadedExperiment,
    Overrides,
    load_evaluated,
    load_experiment,
)
from mtlkit.experiment.metrics_that_fit import headlines_of, replaced_headlines, with_metrics_that_fit
from mtlkit.experiment.pooled import files_pooled_twice
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
from mtlkit.experiment.without_memory import without_memory
from mtlkit.experiment.words import make_vocabulary, read_vectors

__all__ = [
    "BEFORE",
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
    "as_it_was",
    "build_model",
    "check_known_labels",
    "counts_of",
    "data_hashes",
    "experiment_of",
    "files_pooled_twice",
    "hashes_of_read",
    "headlines_of",
    "load_evaluated",
    "load_corpora",
    "load_experiment",
    "load_split",
    "load_splits",
    "loader_of",
    "make_vocabulary",
    "other_fingerprints",
    "read_vectors",
    "replaced_headlines",
    "say_counts",
    "seed_of",
    "skipped_told",
    "stages_of",
    "structure_told",
    "tasks_of",
    "with_metrics_that_fit",
    "without_memory",
]
