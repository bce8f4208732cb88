"""The folder in which a user works."""

import pytest

from tests.end_to_end.remedies.world import World


@pytest.fixture
def world(tmp_path, experiment, run, trained_once):
    experiment["trainer"] = {"epochs": 1, "batch_size": 16, "kernels": "plain"}
    found = World(tmp_path, experiment, run, trained_once)
    found.with_settings()
    return found
