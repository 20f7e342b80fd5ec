"""Runs that are killed, one of each verb; 50 of them as a slow test."""

from random import Random

import pytest

from fuzz.kills import COMMANDS, Kills

KILLS = 10  # of each verb


@pytest.fixture(scope="module")
def kills(tmp_path_factory) -> Kills:
    return Kills(tmp_path_factory.mktemp("kills") / "home")


@pytest.mark.slow
@pytest.mark.parametrize("verb", COMMANDS)
def test_the_same_command_again_ends_as_an_undisturbed_run(kills, verb):
    made = [kills.kill(verb, Random(f"{verb} {number}")) for number in range(KILLS)]
    assert [fault for kill in made for fault in kill.faults] == []
    assert sum(kill.met for kill in made) > KILLS // 4  # most met a run that was going on
