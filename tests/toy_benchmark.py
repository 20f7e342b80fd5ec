"""A toy benchmark: one column, anomalies are large, detectors count how often they are fitted."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from alad.benchmark import cells
from alad.benchmark.data.protocols import PROTOCOLS, Protocol
from alad.benchmark.data.splits import Split
from alad.benchmark.row import Row
from alad.benchmark.rows import BENCHMARKS
from alad.errors import ResumeError


class Toy:
    """Scores are the distance from the training mean; member k adds noise of size k · `noise`."""

    fits: ClassVar[Counter] = Counter()
    failing: ClassVar[set] = set()
    model: ClassVar = SimpleNamespace(offers={})  # scores to choose from

    def __init__(
        self,
        name="toy",
        noise=0.0,
        random_state=0,
        members=1,
        verbose=0,
        checkpoint=None,
        resume=False,
    ):
        self.params = dict(
            noise=noise,
            random_state=random_state,
            members=members,
            verbose=verbose,
            checkpoint=checkpoint,
            resume=resume,
        )
        self.name = name

    def settled(self, images):
        return self.get_params()

    def get_params(self, deep=True):
        return dict(self.params)

    def set_params(self, **params):
        self.params.update(params)
        return self

    def fit(self, rows):
        self.fits[self.name] += 1
        if self.params["resume"]:
            raise ResumeError("the checkpoint is of another training")
        Path(self.params["checkpoint"]).mkdir()
        if self.name in self.failing:
            raise ArithmeticError("a loss\nis not finite")
        self.mean_ = rows.mean()
        self.training_ = {"seconds": 1000.0}
        return self

    def member_scores(self, rows):
        generator = np.random.default_rng(self.params["random_state"])
        far = np.abs(rows[:, 0] - self.mean_)
        sizes = self.params["noise"] * np.arange(self.params["members"])[:, None]
        return far + sizes * generator.normal(size=(len(sizes), len(far)))

    def anomaly_score(self, rows):
        return self.member_scores(rows).mean(axis=0)


def toy_split(seed, data_dir) -> Split:
    generator = np.random.default_rng(seed)
    anomalous = np.arange(100) < 20
    rows = generator.normal(size=(100, 1)) + 4 * anomalous[:, None]
    return Split(generator.normal(size=(50, 1)), rows, anomalous, 80.0)


@pytest.fixture
def toy(monkeypatch):
    """The benchmark "toy" with a shared and an own split; -> the class of its detectors."""
    monkeypatch.setattr(Toy, "fits", Counter())
    monkeypatch.setattr(Toy, "failing", set())
    rows = (
        Row("once", "once", most_runs=1, published="IF"),
        Row("seeded", "seeded"),
        Row("family", "family", members=True, changes={"noise": 1.0}),
    )
    protocols = {
        "paper": Protocol("one split", (42,), toy_split),
        "clean": Protocol("three splits", (0, 1, 2), toy_split),
    }
    monkeypatch.setitem(BENCHMARKS, "toy", rows)
    monkeypatch.setitem(PROTOCOLS, "toy", protocols)
    monkeypatch.setattr(cells.catalogue, "make", lambda name, **params: Toy(name, **params))
    return Toy
