"""The papers' claims of which system is better, on tables that run_tables.py runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """A claim that `system` is better than `baseline`."""

    table: str
    system: str
    baseline: str
    printed: float | None = None
    """The difference in the paper, in points; None where its data are not those of the table, or it has none."""
    by: str = ""
    """The paper, or nothing for a comparison that the papers do not make."""


COMPARISONS = (
    Comparison("fdu", "ic", "bilstm", 4.7, "Liu"),
    Comparison("fdu", "ic", "mt_cnn", 2.8, "Liu"),
    Comparison("fdu", "ic", "fs", 2.6, "Liu"),
    Comparison("fdu", "ic", "asp", 1.2, "Liu"),
    Comparison("fdu", "dc", "mt_cnn", 3.0, "Liu"),
    Comparison("fdu", "dc", "fs", 2.8, "Liu"),
    Comparison("fdu", "dc", "asp", 1.4, "Liu"),
    Comparison("fdu", "dc", "ic", 0.2, "Liu"),
    Comparison("fdu", "asp", "psp", 1.0, "Liu 2017"),
    Comparison("fdu", "mt_cnn", "bilstm", 1.9, "Liu"),
    Comparison("fdu", "fs", "bilstm", 2.1, "Liu"),
    Comparison("fdu", "asp", "bilstm", 3.5, "Liu"),
    Comparison("fdu", "ssp", "fs", 0.8, "Chen"),
    Comparison("fdu", "psp", "fs", 0.5, "Chen"),
    Comparison("fdu", "cs", "fs", 0.4, "Chen"),
    Comparison("fdu", "nas_pool", "fs", 1.9, "Chen"),
    Comparison("fdu", "nas_pool", "ssp", 1.1, "Chen"),
    Comparison("fdu", "nas_pool", "cs", 1.5, "Chen"),
    Comparison("ewt_grid", "fs", "bilstm"),
    Comparison("ewt_grid", "ssp", "fs", by="Chen"),
    Comparison("ewt_grid", "dc", "fs", by="Liu"),
    Comparison("ewt_grid", "ic", "fs", by="Liu"),
    Comparison("ewt_grid", "ic", "dc", by="Liu"),
    Comparison("ewt_grid", "ssp", "cs", by="Chen"),
    Comparison("ewt_grid", "nas_pool", "fs", by="Chen"),
    Comparison("ewt_grid", "nas_pool", "ssp", by="Chen"),
    Comparison("ewt_grid", "nas_pool", "cs", by="Chen"),
    Comparison("tagging", "fs", "lstm_crf", by="Liu"),
    Comparison("tagging", "dc", "fs", by="Liu"),
    Comparison("tagging", "ic", "fs", by="Liu"),
    Comparison("tagging", "ic", "dc", by="Liu"),
    Comparison("tagging_small", "fs", "lstm_crf", by="Liu"),
    Comparison("tagging_small", "dc", "fs", by="Liu"),
    Comparison("tagging_small", "ic", "fs", by="Liu"),
    Comparison("tagging_small", "asp", "fs", by="Liu"),
    Comparison("tagging_small", "ic", "dc", by="Liu"),
    Comparison("ewt_controls", "pool", "random", by="Chen"),
    Comparison("ewt_controls", "pool", "fixed_0"),
    Comparison("ewt_controls", "pool", "fs", by="Chen"),
    Comparison("ewt_controls", "pool", "no_exploration", by="Chen"),
    Comparison("ewt_controls", "pool", "fs_wide"),
    *(
        Comparison(table, f"{mode}-{scheme}", f"{mode}-{baseline}")
        for table in ("minilm_tagging", "minilm_fdu")
        for mode in ("frozen", "tuned")
        for scheme, baseline in (("fs", "private"), ("ssp", "fs"), ("cs", "fs"), ("dc", "fs"), ("ic", "fs"))
    ),
)

TEST_SETS = {
    "fdu": "task",
    "minilm_fdu": "task",
    "ewt_grid": "domain",
}
"""What has a test set of its own, by table; in the others there are too few to tell anything from their differences.
The four tasks of a domain of the grid have the same sentences."""


def test_set(table: str, task: str) -> str:
    """The test set of a task."""
    return task.split("_", maxsplit=1)[0] if TEST_SETS[table] == "domain" else task
