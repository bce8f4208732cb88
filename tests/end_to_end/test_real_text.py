"""The shipped experiments on the real corpora, cut down to seconds."""

import json
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def figures(directory: Path, split: str) -> dict[str, float]:
    return json.loads((directory / "metrics.json").read_text())[split]


def test_indirect_communication_learns_on_vader(vader_corpora, run, monkeypatch, tmp_path):
    monkeypatch.setenv("MTLKIT_CACHE", str(vader_corpora.parent))
    small = [
        "-o",
        "trainer.epochs=3",
        "-o",
        "model.sharing.hidden_dim=40",
        "-o",
        'trainer.optimizer={"type": "adam", "lr": 0.003}',
    ]
    result = run("train", EXPERIMENTS / "ic_mtl.jsonnet", "-s", tmp_path / "run", "--limit", "1000", *small)
    assert result.returncode == 0, result.stderr
    dev = figures(tmp_path / "run", "dev")
    assert dev["average/accuracy"] > dev["average/majority"] + 0.05
    again = run("evaluate", tmp_path / "run", "--limit", "1000", "--output", tmp_path / "figures.json")
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "figures.json").read_text()) == figures(tmp_path / "run", "test")
    answer = run("predict", tmp_path / "run", "--task", "movie", "-", text="A gloriously funny, warm film.\n")
    assert json.loads(answer.stdout)["label"] in ("positive", "negative")


def test_chunking_with_characters_vectors_and_a_crf(data_folder, run, tmp_path):
    small = [
        *("--limit", "400", "--str", f"data={data_folder}", "-o", "trainer.epochs=3"),
        *("-o", "model.sharing.encoder.hidden_dim=40", "-o", "vocabulary.pretrained_limit=2000"),
        *("-o", "trainer.schedule=null", "-o", "trainer.optimizer.lr=0.005"),
    ]
    result = run("train", EXPERIMENTS / "conll2000.jsonnet", "-s", tmp_path / "run", *small)
    assert result.returncode == 0, result.stderr
    assert figures(tmp_path / "run", "test")["chunk/f1"] > 0.5
    answer = run("predict", tmp_path / "run", "-", text="He reckons the deficit will narrow .\n")
    assert len(json.loads(answer.stdout)["tags"]) == 7


def test_sixteen_domains_report_clean_figures(data_folder, run, tmp_path):
    small = [
        *("--limit", "15", "--str", f"data={data_folder}", "-o", "trainer.epochs=1"),
        *("-o", "model.sharing.hidden_dim=8", "-o", "vocabulary.pretrained_limit=0"),
    ]
    result = run("train", EXPERIMENTS / "fdu" / "ic.jsonnet", "-s", tmp_path / "run", *small)
    assert result.returncode == 0, result.stderr
    assert len([name for name in figures(tmp_path / "run", "test") if name.endswith("/accuracy")]) == 17


def test_the_audit_of_fdu_mtl_finds_its_leak(data_folder, run):
    result = run("data", "audit", EXPERIMENTS / "fdu" / "ic.jsonnet", "--str", f"data={data_folder}")
    assert result.returncode == 0, result.stderr
    total = next(line for line in result.stdout.splitlines() if line.startswith("│ all "))
    assert "6,400" in total and "5,841" in total


def test_the_united_grid_searches_for_paths_and_tunes_along_them(data_folder, run, tmp_path):
    """Four tasks over all domains and a pool of four modules, as in Figure 4 of Chen et al. 2018."""
    arguments = [
        *(
            "--str",
            f"data={data_folder}",
            "--tla-str",
            "grid=united",
            "--tla",
            "num_modules=4",
            "--tla",
            "num_samples=2",
        ),
        *("--limit", "30", "-o", "vocabulary.pretrained_limit=0"),
        *("-o", "stages.0.trainer.epochs=1", "-o", "stages.1.trainer.epochs=1", "-o", "model.sharing.max_length=2"),
    ]
    result = run("train", EXPERIMENTS / "ewt_grid" / "nas_pool.jsonnet", "-s", tmp_path / "run", *arguments)
    assert result.returncode == 0, result.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    paths = metrics["stages"]["fine_tune"]["paths"]
    assert set(paths) == {"chunk", "ner", "pos", "srl"}
    assert all(1 <= len(path) <= 2 and set(path) <= set(range(4)) for path in paths.values())
    scored = {name for name in metrics["test"] if name.startswith("average/") and "clean" not in name}
    assert {"average/token_accuracy", "average/f1"} <= scored
    answer = run("predict", tmp_path / "run", "--task", "srl", "-", text="She gave him the book .\n")
    assert len(json.loads(answer.stdout)["tags"]) == 6


def test_three_tagging_tasks_with_weights_learn_together(data_folder, run, tmp_path):
    arguments = [
        *("--str", f"data={data_folder}", "--tla", 'lambda={"ner": 0.5}', "--tla-str", "char=none"),
        *("--tla-str", "scheme=iobes"),
        *("--limit", "100", "-o", "vocabulary.pretrained_limit=0", "-o", "trainer.epochs=2"),
        *("-o", "model.sharing.hidden_dim=20", "-o", "trainer.optimizer.lr=0.01"),
    ]
    result = run("train", EXPERIMENTS / "tagging" / "ic.jsonnet", "-s", tmp_path / "run", *arguments)
    assert result.returncode == 0, result.stderr
    test = figures(tmp_path / "run", "test")
    assert test["pos/token_accuracy"] > 0.3 and test["chunk/f1"] > 0.2
    assert "ner/f1" in test and "pos/f1" not in test
    answer = run("predict", tmp_path / "run", "--task", "chunk", "-", text="He reckons so .\n")
    assert {tag[:1] for tag in json.loads(answer.stdout)["tags"]} <= set("BIO")
