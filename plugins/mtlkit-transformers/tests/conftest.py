"""Tiny pretrained encoders, made here: none of them has learned anything, and all have the parts of real ones."""

import shutil
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TypeAlias

import hypothesis  # noqa: F401  # pytest's plugin of it warns where something else imports it at the very end
import mtlkit_transformers
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from mtlkit.cli import main
from tests.generated_texts import write_corpus

Ended: TypeAlias = CompletedProcess[str]
PLUGIN = mtlkit_transformers.__name__
"""Importing it registers the embedder; an installed plugin would be imported by the first experiment."""
TRAINED_ON = [
    "the film was great , and the music too",
    "a naïve café in the old town of São Paulo",
    "unbelievably long-winded readings of unreadable readers",
    "we don't like what they did not like",
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of encoders: by kind of tokenizer."""
    made = {"word_pieces": _bert, "byte_pairs": _roberta, "sentence_pieces": _xlm_roberta}
    return {name: _saved(make, tmp_path_factory.mktemp(name)) for name, make in made.items()}


def _saved(make: Callable[[Path], None], folder: Path) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        make(folder)
    return folder


SMALL = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}


def _bert(folder: Path) -> None:
    """A BERT that ignores case, with WordPiece."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(TRAINED_ON, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.decoder = decoders.WordPiece()
    BertTokenizerFast(tokenizer_object=tokenizer, do_lower_case=True).save_pretrained(folder)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=40, **SMALL)
    BertModel(config).save_pretrained(folder)


def _roberta(folder: Path) -> None:
    """A RoBERTa with byte-level BPE, which counts positions from the padding id on."""
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TRAINED_ON, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    RobertaTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    config = RobertaConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=42, pad_token_id=1, **SMALL)
    RobertaModel(config).save_pretrained(folder)


def _xlm_roberta(folder: Path) -> None:
    """An XLM-RoBERTa with the Unigram model of SentencePiece."""
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(TRAINED_ON, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=42, pad_token_id=1, **SMALL
    )
    XLMRobertaModel(config).save_pretrained(folder)


WORDS = (
    ["great", "wonderful", "unbelievably"],
    ["dull", "tiresome", "unreadable"],
    ["the", "film", "was", "a", "readable", "music", "in", "town", "and", "we", "like", "it"],
    (2, 9),
)
"""For `write_corpus`: words that the tiny encoders have pieces of."""


@pytest.fixture
def encoder(encoders: dict[str, Path], tmp_path: Path) -> Path:
    """An encoder in a folder that a test may change."""
    return Path(shutil.copytree(encoders["word_pieces"], tmp_path / "encoders" / "tiny"))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A file with a text to predict."""
    file = tmp_path / "text.txt"
    file.write_text("a great film\n", "utf-8")
    return file


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of texts for two tasks."""
    folder = tmp_path_factory.mktemp("texts")
    for number, (name, split) in enumerate((name, split) for name in TASKS for split in ("train", "dev", "test")):
        write_corpus(folder / f"{name}.{split}.tsv", 24 if split == "train" else 8, number, *WORDS)
    return folder


TASKS = ["books", "films"]
needs_peft = pytest.mark.skipif(not find_spec("peft"), reason="peft, of mtlkit-transformers[adapters], is not here")
INCLUDED = [] if entry_points(group="mtlkit.plugins", name="transformers") else ["--include-package", PLUGIN]


@pytest.fixture(scope="session")
def experiment_of(texts: Path) -> Callable[..., dict[str, Any]]:
    """Makes an experiment on the two tasks, given the encoder, other settings of the embedder, and the sharing."""

    def experiment(model: Path, sharing: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
        task = {"reader": {"type": "text_classification"}, "head": {"type": "classifier", "pool": "mean"}}
        splits = ("train", "dev", "test")
        return {
            "tasks": {name: task | {each: str(texts / f"{name}.{each}.tsv") for each in splits} for name in TASKS},
            "model": {
                "embedder": {"type": "transformer", "model": str(model), "dropout": 0.1, **settings},
                "sharing": sharing or {"type": "fully_shared", "encoder": {"type": "pass_through"}},
            },
            "trainer": {"epochs": 2, "batch_size": 4, "optimizer": {"type": "adamw", "lr": 1e-3}},
        }

    return experiment


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs `mtlkit` inside this process, with the plugin."""
    monkeypatch.chdir(tmp_path)

    def run_main(*arguments: str | Path) -> Ended:
        command = ["mtlkit", *map(str, arguments), *INCLUDED]
        monkeypatch.setattr(sys, "argv", command)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Ended(command, int(ended.value.code or 0), out, err)

    return run_main
