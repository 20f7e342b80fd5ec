"""ALAD's controls: what moves in them and what does not."""

import numpy as np
import pytest
import torch
from network_steps import step_of
from one_player import sheet

from alad import catalogue
from alad.benchmark.cells import cells
from alad.benchmark.twins import TWINS, RandomFeatures, WithoutGame

SETTINGS = {"random_state": 0, "max_steps": 30, "patience": None, "engine": "torch"}
SETTINGS |= {"calibration_fraction": 0.0, "novelty": False}
X = sheet(200)


def test_without_a_game_discriminators_stay_as_they_were_drawn():
    step = step_of(WithoutGame(random_state=0), torch.from_numpy(X.astype(np.float32)), 0)
    before = {side: group.weights.clone() for side, group in step.by_group.items()}
    losses = [step(number).item() for number in range(30)]
    assert torch.equal(step.by_group["discriminator"].weights, before["discriminator"])
    assert not torch.equal(step.by_group["generator"].weights, before["generator"])
    assert losses[-1] < losses[0]  # the cycle, as the paper's game has no penalty


def test_random_features_replace_the_discriminators_alone():
    usual = catalogue.make("alad", **SETTINGS).fit(X).model_
    twin = RandomFeatures(**SETTINGS).fit(X).model_
    for name, array in usual.weights.items():
        assert np.array_equal(array, twin.weights[name]) is not name.startswith("D"), name
    assert not np.allclose(
        usual.scores(X[:9].astype(np.float32)), twin.scores(X[:9].astype(np.float32))
    )


@pytest.mark.parametrize("twin", TWINS)
def test_rows_of_controls_are_made_of_their_kind(twin: str):
    (cell, *_) = cells("one-class", ["random"], [f"alad-{twin}"], datasets=["car"])
    made = cell.detector(max_steps=3)
    assert type(made) is TWINS[twin] and made.get_params()["max_steps"] == 3
    assert cell.key(cell.config(made)) != cell.key(cell.config(cell.detector()))
