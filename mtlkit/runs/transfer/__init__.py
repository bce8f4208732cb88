"""Transfer: each task in turn is trained on top of what the others have learned, each such fold in its own process."""

from mtlkit.runs.transfer.jobs import run_jobs
from mtlkit.runs.transfer.plan import TransferPlan, plan_transfer
from mtlkit.runs.transfer.queues import Job, SharedJobs
from mtlkit.runs.transfer.table import TransferTable, transfer_table
from mtlkit.runs.transfer.transfer import FoldOptions, TransferSettings, fold_of, train_folds

__all__ = [
    "FoldOptions",
    "Job",
    "SharedJobs",
    "TransferPlan",
    "TransferSettings",
    "TransferTable",
    "fold_of",
    "plan_transfer",
    "run_jobs",
    "train_folds",
    "transfer_table",
]
