"""An experiment as it is named on a command line, for verbs that start other ones."""

from dataclasses import fields
from pathlib import Path

import typer
from typer.testing import CliRunner

from mtlkit.cli.experiment_source import ExperimentSource, takes_experiment


def test_its_words_name_the_same_experiment() -> None:
    given = ExperimentSource(
        Path("a folder/my.jsonnet"),
        override=["seed=7", "model.dropout=0.1"],
        var=["number=1"],
        str_=["data=a folder"],
        tla=["lambda={}"],
        tla_str=["preset=paper"],
        include_package=["dot_product.py"],
    )
    assert all(getattr(given, field.name) for field in fields(given))  # a new option has to be here
    app, found = typer.Typer(), list[ExperimentSource]()

    @app.command()
    @takes_experiment
    def verb(source: ExperimentSource) -> None:
        found.append(source)

    assert CliRunner().invoke(app, given.arguments()).exit_code == 0
    assert found == [given]
