"""The tables that run_tables.py runs: which experiment file, with which arguments, is which row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TableRow:
    """A row: `paper` is its average in a paper, in percent."""

    name: str
    title: str
    file: str
    arguments: tuple[str, ...] = ()
    paper: str = "-"


@dataclass(frozen=True)
class PaperTable:
    """Rows that share tasks and trainer."""

    title: str
    metric: str
    """What is averaged over the tasks, and shown for each."""
    systems: tuple[TableRow, ...]
    metrics: Mapping[str, str] = field(default_factory=dict)
    """By task, what is shown in place of averages, where the tasks' metrics differ."""


COMMON = ("--tla-str", "preset=common")
LIU = ("--tla-str", "preset=paper")
CHEN = ("--tla-str", "preset=chen")
UNITED = (*COMMON, "--tla-str", "grid=united")
# Twice the batch: a step of the search trains along five paths.
SEARCH = tuple(word for stage in (0, 1) for word in ("-o", f"stages.{stage}.trainer.batch_size=64"))

FDU = PaperTable(
    "FDU-MTL, 16 tasks, one trainer for all systems",
    "accuracy",
    (
        TableRow("single", "LSTM, single task", "fdu/single.jsonnet", COMMON, "81.8 (Liu)"),
        TableRow("bilstm", "BiLSTM, single task", "fdu/bilstm.jsonnet", COMMON, "82.6 (Liu), 83.8 (Chen)"),
        TableRow("stacked_lstm", "stacked LSTM, single task", "fdu/stacked_lstm.jsonnet", COMMON, "81.7 (Liu)"),
        TableRow("mt_cnn", "MT-CNN", "fdu/mt_cnn.jsonnet", COMMON, "84.5 (Liu)"),
        TableRow("fs", "FS-MTL", "fdu/fs.jsonnet", COMMON, "84.7 (Liu), 85.5 (Chen)"),
        TableRow("ssp", "SSP-MTL", "fdu/ssp.jsonnet", COMMON, "86.3 (Chen)"),
        TableRow("psp", "PSP-MTL, plain SP-MTL", "fdu/psp.jsonnet", COMMON, "86.0 (Chen), 85.1 (Liu 2017)"),
        TableRow("asp", "ASP-MTL, Liu's SP-MTL", "fdu/asp.jsonnet", COMMON, "86.1 (Liu)"),
        TableRow("cs", "CS-MTL", "fdu/cs.jsonnet", COMMON, "85.9 (Chen)"),
        TableRow("dc", "DC-MTL", "fdu/dc.jsonnet", COMMON, "87.5 (Liu)"),
        TableRow("ic", "IC-MTL", "fdu/ic.jsonnet", COMMON, "87.3 (Liu)"),
        TableRow("nas_pool", "NAS-MTL, batches of 64", "fdu/nas_pool.jsonnet", (*COMMON, *SEARCH), "87.4 (Chen)"),
        TableRow("dc_paper", "DC-MTL, Liu's settings", "fdu/dc.jsonnet", LIU, "87.5 (Liu)"),
        TableRow("ic_paper", "IC-MTL, Liu's settings", "fdu/ic.jsonnet", LIU, "87.3 (Liu)"),
        TableRow("ssp_paper", "SSP-MTL, Chen's settings", "fdu/ssp.jsonnet", CHEN, "86.3 (Chen)"),
        TableRow("psp_paper", "PSP-MTL, Chen's settings", "fdu/psp.jsonnet", CHEN, "86.0 (Chen)"),
        TableRow("cs_paper", "CS-MTL, Chen's settings", "fdu/cs.jsonnet", CHEN, "85.9 (Chen)"),
        TableRow("nas_pool_paper", "NAS-MTL, Chen's settings", "fdu/nas_pool.jsonnet", CHEN, "87.4 (Chen)"),
    ),
)


def _recipes() -> Iterable[TableRow]:
    """One departure from the common trainer at a time, of the two systems that the aim of 88.5 is set for."""
    departures: dict[str, tuple[str, ...]] = {
        "as_all": (),
        "mean": ("--tla-str", "pool=mean"),
        "max": ("--tla-str", "pool=max"),
        "dropout_0": ("-o", "model.embedder.dropout=0"),
        "dropout_0.5": ("-o", "model.embedder.dropout=0.5"),
        "head_dropout_0.3": ("-o", "model.dropout=0.3"),
        "frozen_words": ("-o", "model.embedder.trainable=false"),
        "lr_3e-4": ("-o", "trainer.optimizer.lr=3e-4"),
        "lr_2e-3": ("-o", "trainer.optimizer.lr=2e-3"),
        "patience_6": ("-o", "trainer.patience=6", "-o", "trainer.epochs=24"),
        "both_ways": ("-o", "model.sharing.bidirectional=true"),
        "per_task": ("-o", "model.sharing.share=per_task"),
        "detached": ("-o", "model.sharing.detach_senders=true"),
    }
    for name in ("ic", "dc"):
        for departure, arguments in departures.items():
            if (name, departure) != ("ic", "detached"):  # it has no senders
                title = f"{name.upper()}-MTL, {departure.replace('_', ' ')}"
                yield TableRow(f"{name}-{departure}", title, f"fdu/{name}.jsonnet", (*COMMON, *arguments))


FDU_RECIPE = PaperTable("FDU-MTL: DC-MTL and IC-MTL, other recipes; dev alone judges", "accuracy", tuple(_recipes()))

GRID_PAPER = {
    "bilstm": "92.0 (Chen, OntoNotes)",
    "ssp": "94.4 (Chen, OntoNotes)",
    "psp": "94.3 (Chen, OntoNotes)",
    "cs": "93.1 (Chen, OntoNotes)",
    "nas_pool": "94.9 (Chen, OntoNotes)",
}


def _grid(arguments: tuple[str, ...], papers: dict[str, str]) -> Iterable[TableRow]:
    titles = {
        "bilstm": "BiLSTM-CRF, single task",
        "fs": "FS-MTL",
        "ssp": "SSP-MTL",
        "psp": "PSP-MTL",
        "asp": "ASP-MTL",
        "cs": "CS-MTL",
        "hierarchical": "hierarchical",
        "dc": "DC-MTL",
        "ic": "IC-MTL",
        "nas_pool": "NAS-MTL, batches of 64",
    }
    for name, title in titles.items():
        chosen = (*arguments, *SEARCH) if name == "nas_pool" else arguments
        yield TableRow(name, title, f"ewt_grid/{name}.jsonnet", chosen, papers.get(name, "-"))


EWT_GRID = PaperTable(
    "English Web Treebank, 5 domains x 4 tasks, one trainer for all systems",
    "token_accuracy",
    tuple(_grid(COMMON, GRID_PAPER)),
)

# Chen et al. 2018, Table 4: four tasks, each over all domains.
EWT_UNITED = PaperTable(
    "English Web Treebank, 4 tasks over all domains, one trainer for all systems",
    "token_accuracy",
    tuple(_grid(UNITED, {"nas_pool": "94.4 (Chen, OntoNotes)"})),
)

# So that all of these controls can be run several times.
SMALL = (*UNITED, "--limit", "2000")


def _pool_of_four(name: str, title: str, *arguments: str) -> TableRow:
    four = (*SMALL, *SEARCH, "--tla", "num_modules=4", *arguments)
    return TableRow(name, title, "ewt_grid/nas_pool.jsonnet", four)


def _fixed(*path: int) -> TableRow:
    name = f"fixed_{'_'.join(map(str, path))}"
    return _pool_of_four(name, f"path {list(path)} for all", "--tla-str", "paths=fixed", "--tla", f"path={list(path)}")


# Chen et al. 2018, Figure 4, with the controls that they lack.
EWT_CONTROLS = PaperTable(
    "English Web Treebank, 4 tasks over all domains, 2,000 texts per task: a pool of 4 modules and its controls",
    "token_accuracy",
    (
        _pool_of_four("pool", "NAS-MTL, 4 modules"),
        _pool_of_four("no_exploration", "no exploration", "--tla-str", "paths=no_exploration"),
        _pool_of_four("uniform", "uniform, then greedy", "--tla-str", "paths=uniform_then_greedy"),
        _pool_of_four("random", "random paths", "--tla-str", "paths=random"),
        _fixed(0),
        _fixed(0, 1),
        _fixed(0, 1, 2),
        TableRow("single", "BiLSTM-CRF, single task", "ewt_grid/bilstm.jsonnet", SMALL),
        TableRow("fs", "FS-MTL", "ewt_grid/fs.jsonnet", SMALL),
        TableRow(
            "fs_wide",
            "FS-MTL with as many parameters as the pool",
            "ewt_grid/fs.jsonnet",
            (*SMALL, "-o", "model.sharing.encoder.hidden_dim=131"),
        ),
    ),
)


def _tagging(*arguments: str) -> tuple[TableRow, ...]:
    return tuple(
        TableRow(name, title, f"tagging/{name}.jsonnet", (*COMMON, *arguments), paper)
        for name, title, paper in (
            ("lstm_crf", "BiLSTM-CRF, single task", "94.46 / 90.10 / 97.55 (Liu)"),
            ("mt_cnn", "MT-CNN", "94.32 / 89.59 / 97.29 (Liu)"),
            ("fs", "FS-MTL", "95.41 / 90.94 / 97.55 (Liu)"),
            ("asp", "ASP-MTL, Liu's SP-MTL", "95.27? / 90.90 / 97.49 (Liu)"),
            ("dc", "DC-MTL", "95.49 / 91.25 / 97.61 (Liu)"),
            ("ic", "IC-MTL", "95.61 / 91.47 / 97.69 (Liu)"),
        )
    )


# Liu et al. 2019, Table 4: chunk F1 / NER F1 / POS accuracy. Only the chunks are their data.
TAGGING_METRICS = {"chunk": "f1", "ner": "f1", "pos": "token_accuracy"}
TAGGING = PaperTable(
    "Tagging: CoNLL-2000 chunks, WikiGold entities, English Web Treebank POS tags, one trainer for all systems",
    "token_accuracy",
    _tagging(),
    TAGGING_METRICS,
)
TAGGING_SMALL = PaperTable(
    "Tagging with at most 2,000 sentences per file, one trainer for all systems",
    "token_accuracy",
    _tagging("--limit", "2000"),
    TAGGING_METRICS,
)


def _on_minilm(file: str, mode: str, *arguments: str) -> Iterable[TableRow]:
    titles = {
        "private": "single tasks",
        "fs": "FS-MTL",
        "ssp": "SSP-MTL",
        "psp": "PSP-MTL",
        "cs": "CS-MTL",
        "dc": "DC-MTL",
        "ic": "IC-MTL",
    }
    for scheme, title in titles.items():
        chosen = ("--tla-str", f"mode={mode}", "--tla-str", f"scheme={scheme}", *arguments)
        yield TableRow(f"{mode}-{scheme}", f"{title} on MiniLM, {mode}", file, chosen)


# The papers' question on a strong encoder. Frozen, all rows read the same states through BiLSTMs; tuned, they train it.
MINILM_TAGGING = PaperTable(
    "Tagging on MiniLM: CoNLL-2000 chunks, WikiGold entities, English Web Treebank UPOS tags",
    "token_accuracy",
    tuple(
        row
        for mode in ("frozen", "tuned")
        for row in _on_minilm("tagging/minilm.jsonnet", mode, "--tla-str", "pos=UPOS")
    ),
    TAGGING_METRICS,
)
MINILM_FDU = PaperTable(
    "FDU-MTL on MiniLM, 16 tasks",
    "accuracy",
    tuple(row for mode in ("frozen", "tuned") for row in _on_minilm("fdu/minilm.jsonnet", mode)),
)

TABLES = {
    "fdu": FDU,
    "fdu_recipe": FDU_RECIPE,
    "tagging": TAGGING,
    "tagging_small": TAGGING_SMALL,
    "ewt_grid": EWT_GRID,
    "ewt_united": EWT_UNITED,
    "ewt_controls": EWT_CONTROLS,
    "minilm_tagging": MINILM_TAGGING,
    "minilm_fdu": MINILM_FDU,
}
