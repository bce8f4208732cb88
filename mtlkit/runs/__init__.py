"""What the verbs do: train, transfer, evaluate, predict and explain, each written in the order in which data flow."""

from mtlkit.process.interrupts import Interrupted, Interrupts
from mtlkit.runs.baseline import baseline_figures
from mtlkit.runs.data_to_score import Wanted, tasks_to_score
from mtlkit.runs.directory import RunDirectory, archive_path
from mtlkit.runs.evaluate import Evaluation, evaluate, evaluate_archive, evaluate_archives, scored_tasks, worthless
from mtlkit.runs.explain import explain, explain_texts
from mtlkit.runs.finiteness import watching
from mtlkit.runs.inputs import open_answers
from mtlkit.runs.inspection import Inspection, inspect_experiment
from mtlkit.runs.listeners import Listener
from mtlkit.runs.loaded_archive import LoadedArchive, load_archive, predict
from mtlkit.runs.outputs import archives_given, check_belongs_to_no_run, folder_of_verb, output_of_verb
from mtlkit.runs.predict import as_line, predict_inputs
from mtlkit.runs.predict_file import PredictedFile, predict_file, write_answers
from mtlkit.runs.profile import Profile, Profiler
from mtlkit.runs.run import Run
from mtlkit.runs.scoring import score_table
from mtlkit.runs.train import dry_run, run_directory, train
from mtlkit.runs.transfer import (
    FoldOptions,
    Job,
    SharedJobs,
    TransferPlan,
    TransferSettings,
    TransferTable,
    fold_of,
    plan_transfer,
    run_jobs,
    train_folds,
    transfer_table,
)

__all__ = [
    "Evaluation",
    "FoldOptions",
    "Inspection",
    "Interrupted",
    "Interrupts",
    "Job",
    "SharedJobs",
    "Listener",
    "LoadedArchive",
    "PredictedFile",
    "Profile",
    "Profiler",
    "Run",
    "RunDirectory",
    "TransferPlan",
    "TransferSettings",
    "TransferTable",
    "Wanted",
    "archive_path",
    "archives_given",
    "as_line",
    "baseline_figures",
    "check_belongs_to_no_run",
    "dry_run",
    "evaluate",
    "evaluate_archive",
    "evaluate_archives",
    "explain",
    "explain_texts",
    "fold_of",
    "folder_of_verb",
    "inspect_experiment",
    "load_archive",
    "open_answers",
    "output_of_verb",
    "plan_transfer",
    "predict",
    "predict_file",
    "predict_inputs",
    "run_directory",
    "run_jobs",
    "score_table",
    "scored_tasks",
    "tasks_to_score",
    "train",
    "train_folds",
    "transfer_table",
    "watching",
    "worthless",
    "write_answers",
]
