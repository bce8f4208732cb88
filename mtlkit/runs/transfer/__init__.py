"""Transfer: each task in turn is trained on what the others have learned, fold by fold, in processes of their own."""

from mtlkit.runs.transfer.jobs import Job, run_jobs
from mtlkit.runs.transfer.plan import TransferPlan, plan_transfer
from mtlkit.runs.transfer.table import TransferTable, transfer_table
from mtlkit.runs.transfer.transfer import FoldOptions, TransferSettings, fold_of, train_folds

__all__ = [
    "FoldOptions",
    "Job",
    "TransferPlan",
    "TransferSettings",
    "TransferTable",
    "fold_of",
    "plan_transfer",
    "run_jobs",
    "train_folds",
    "transfer_table",
]
