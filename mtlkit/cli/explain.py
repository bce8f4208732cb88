"""The verb `explain`, which shows what was shared to reach an answer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mtlkit.cli.experiment_source import Include
from mtlkit.cli.libraries import load_libraries
from mtlkit.cli.options import ArchiveFile, Device, torch_device
from mtlkit.cli.outputs import check_output, open_output
from mtlkit.process.freed_memory import keep_freed_memory

if TYPE_CHECKING:
    from mtlkit.sharing.explanations import Explanation

Format = Literal["terminal", "json"]


def explain(
    archive: ArchiveFile,
    texts: Annotated[
        list[str], typer.Argument(help="Raw texts; a first one that begins with - after --.", metavar="TEXT")
    ] = [],
    task: Annotated[list[str], typer.Option(help="Whose head answers; default: the only task.")] = [],
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='TEXT is a JSON object, such as {"text": ...} or {"words": [...]}.')
    ] = False,
    format_: Annotated[Format, typer.Option("--format", help="terminal, or json: one object a line.")] = "terminal",
    output: Annotated[Path | None, typer.Option(help="Write to this file.")] = None,
    device: Device = "auto",
    include_package: Include = [],
) -> None:
    """Answer raw texts, and show what was shared on the way to each answer.

    Of message passing: which tasks, or which words of the text, each word took most of. Of a pool: the path, with the
    probability of every step where a selector chooses them (after a search in stages paths are fixed). Of cross-stitch:
    the coefficients. Of an adversarial scheme: which task the discriminator takes the text to be from. JSON has all
    weights.
    """
    from mtlkit.on_disk.archives import check_archive

    check_archive(archive)
    check_output(output)
    load_libraries()
    from mtlkit.cli.console import say
    from mtlkit.plugins import load_plugins
    from mtlkit.runs import archives_given, explain_texts, output_of_verb
    from mtlkit.runs.older_outputs import is_explanations

    reads = archives_given([archive], packages=include_package)
    target = None if output is None else output_of_verb(output, reads, is_explanations)
    keep_freed_memory()
    where, plugins = torch_device(device), load_plugins(include_package)
    explanations = explain_texts(archive, texts, task, device=where, plugins=plugins, jsonl=jsonl, say=say)
    text = _written(explanations, format_, to_file=target is not None)
    if target is not None:
        target.write(text.encode())
    elif format_ == "json":
        with open_output(None) as stream:
            print(text, end="", file=stream)
    else:
        print(text, end="")


def _written(explanations: "list[Explanation]", format_: Format, to_file: bool) -> str:
    from mtlkit.cli.sheets import explanation_text
    from mtlkit.text import visible

    if format_ == "terminal":
        return "\n".join(explanation_text(explanation, to_file) for explanation in explanations)
    lines = [json.dumps(explanation.to_json(), ensure_ascii=False) for explanation in explanations]
    return "".join(f"{visible(line)}\n" for line in lines)
