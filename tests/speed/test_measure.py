import numpy as np
import pytest
import torch

from alad import cli
from alad.adversarial.architectures import ARCHITECTURES
from alad.adversarial.game import FAMILY
from alad.adversarial.networks import game_networks
from alad.errors import InputError
from alad.networks.weights import weight_layout
from alad.speed import groups, measure, run
from alad.speed.groups import Group
from alad.speed.measure import Subject, fastest, in_turns, timed
from alad.speed.plain_loop import PlainLoop, PlainNetworks, scored_in_blocks
from alad.training.optimizer import Optimiser


def nothing() -> None:
    pass


def test_shares_and_ratios_are_of_the_same_round():
    subjects = [Subject("plain", nothing, 10), Subject("ours", nothing, 20, products=10**9)]
    # the second round met a busy machine: all took twice as long there
    taken = {"plain": [1.0, 2.0, 1.0], "ours": [0.5, 1.0, 0.25]}
    plain, ours = timed(subjects, taken, peaks=[8.0, 4.0, 8.0])
    assert plain.share is None and plain.ratios == (1.0, 1.0, 1.0)
    assert ours.rows_per_second == 20 / 0.5
    assert ours.ratios == (4.0, 4.0, 8.0)  # per row: 0.1 s and 0.2 s, beside 0.025 s and 0.05 s
    assert ours.share == pytest.approx(0.5)  # 4 of 8, 2 of 4, 8 of 8 GFLOP/s


def test_every_subject_is_called_in_every_round():
    calls = {"a": 0, "b": 0}

    def counted(name: str):
        def call() -> None:
            calls[name] += 1

        return call

    subjects = [Subject(name, counted(name), 1) for name in calls]
    found, peak = in_turns(subjects, rounds=2)
    assert [at.name for at in found] == ["a", "b"] and peak > 0
    assert min(calls.values()) >= 2 + 3  # two to count, then three rounds


def test_the_peak_is_the_fastest_product():
    quick, slow = nothing, lambda: sum(range(100_000))
    assert fastest([slow, quick]) is quick
    products = [action() for action in measure.peak_actions()]
    assert all(np.asarray(product).max() == measure.PEAK_SIDE for product in products)


@pytest.mark.parametrize("name", ["kdd99", "arrhythmia"])
def test_the_plain_loop_has_the_weights_of_ours(name: str):
    networks = game_networks((9,), ARCHITECTURES[name], FAMILY["alad"])
    sides = PlainNetworks(networks).sides()
    for side, ours in zip(sides, ("discriminator", "generator"), strict=True):
        assert sum(p.numel() for p in side) == weight_layout(networks.groups[ours]).size


def test_the_plain_loop_learns():
    torch.manual_seed(0)
    networks = game_networks((9,), ARCHITECTURES["kdd99"], FAMILY["alad"])
    X = torch.randn(200, 9)
    loop = PlainLoop(X, networks, Optimiser(1e-3, 32))
    before = [p.detach().clone() for side in loop.sides for p in side]
    loop(0)
    after = [p for side in loop.sides for p in side]
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    scores = scored_in_blocks(loop.networks.eval(), X.numpy(), rows=64)
    assert scores.shape == (200,) and (scores > 0).all()


def test_every_group_makes_what_it_times():
    for group in groups.groups()[-1:]:
        assert group.subjects()[0].rows > 0
    assert len({group.title for group in groups.groups()}) == 11


def test_the_command_writes_lines_and_a_page(tmp_path, monkeypatch, capsys):
    few = Group(
        "training, toy", lambda: [Subject("plain", nothing, 1), Subject("ours", nothing, 2, 9)]
    )
    monkeypatch.setattr(groups, "groups", lambda: [few])
    assert cli.run(f"bench speed --quick --results {tmp_path}".split()) == 0
    assert "ours" in capsys.readouterr().out
    assert "training, toy" in (tmp_path / "speed-quick.html").read_text()
    again = run.run(results=tmp_path, quick=True, only_show=True)
    assert [line["detector"] for line in again.lines] == ["plain", "ours"]
    with pytest.raises(InputError, match="nothing is timed"):
        run.run(results=tmp_path, only_show=True)


def test_speed_is_given_alone(capfd):
    assert cli.run("bench speed kdd99".split()) == 2
    assert "speed is a whole" in capfd.readouterr().err
