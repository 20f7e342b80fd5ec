"""Groups of programs that are timed together, each with the plain one first."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from alad.adversarial import native_step
from alad.adversarial.alad import ALAD
from alad.adversarial.architectures import ARCHITECTURES, denoising_architecture_for
from alad.adversarial.architectures import image_architecture_for as image_networks
from alad.adversarial.game import DENOISING_GAME, FAMILY, Game
from alad.adversarial.native_step import NativeGameStep
from alad.adversarial.networks import GameNetworks, game_networks
from alad.adversarial.step import GameStep
from alad.networks.native_convolution import NativeProducts
from alad.speed import arithmetic
from alad.speed.measure import Subject
from alad.speed.plain_images import PlainImageLoop
from alad.speed.plain_loop import PlainLoop, PlainNetworks, scored_in_blocks
from alad.training.optimizer import Optimiser

GAME = FAMILY["alad"]
LEARNT, SCORED, SEVERAL = 3_000, 8_192, 8  # rows to learn from, rows to score, members
BATCHES = (64, 512)
IMAGE, IMAGE_BATCH = (32, 32, 3), 32
UNTRAINED: dict[str, Any] = {
    "max_steps": 0,
    "patience": None,
    "calibration_fraction": 0.0,
    "random_state": 0,
}


@dataclass(frozen=True)
class Table:
    """Networks of a table: its width, and the published architecture; None = ALAD's default.

    Products of the default's training are not counted, and no plain program stands beside it.
    """

    name: str
    width: int
    architecture: str | None = None

    @property
    def game(self) -> Game:
        """The game that is played."""
        return DENOISING_GAME if self.architecture is None else GAME

    def networks(self) -> GameNetworks:
        """Build E, G and the discriminators."""
        named = self.architecture
        shape = denoising_architecture_for(self.width) if named is None else ARCHITECTURES[named]
        return game_networks((self.width,), shape, self.game)

    def rows(self, n: int) -> np.ndarray:
        """Draw float32 [n, width]: time does not depend on the numbers."""
        return np.random.default_rng(0).normal(size=(n, self.width)).astype(np.float32)


TABLES = (
    Table("KDD99", 121, "kdd99"),
    Table("Arrhythmia", 274, "arrhythmia"),
    Table("30 columns, the default", 30),
)


@dataclass(frozen=True)
class Group:
    """A title, and a function that makes what is timed; the first is what others are ratios of."""

    title: str
    subjects: Callable[[], Sequence[Subject]]


def groups() -> list[Group]:
    """List all groups: training and scoring of tables, other detectors, images."""
    found = [
        Group(f"training, {table.name}, batches of {batch}", _training(table, batch))
        for table, batch in itertools.product(TABLES, BATCHES)
    ]
    found += [Group(f"scoring, {table.name}", _scoring(table)) for table in TABLES]
    return [
        *found,
        Group("training, images 32 × 32 × 3", _image_training),
        Group("scoring, images 32 × 32 × 3", _image_scoring),
    ]


def _counted(step: Callable[[int], object]) -> Callable[[], object]:
    """Call a step with one number after the other."""
    numbers: Iterator[int] = itertools.count()
    return lambda: step(next(numbers))


def _in_runs(step: GameStep) -> Callable[[], object]:
    """Make as many steps as the training loop asks for at a time, one run after the other."""
    numbers: Iterator[int] = itertools.count(0, step.at_once)
    return lambda: step.run(next(numbers), step.at_once)


def _training(table: Table, batch: int) -> Callable[[], Sequence[Subject]]:
    def subjects() -> Sequence[Subject]:
        X, networks = torch.from_numpy(table.rows(LEARNT)), table.networks()
        optimiser, found = Optimiser(1e-3, batch), []
        work = None
        if table.architecture is not None:
            work = arithmetic.training_step(networks, batch)
            plain = PlainLoop(X, networks, optimiser)
            found = [Subject("PyTorch, a plain loop", _counted(plain), batch)]
        kind = NativeGameStep if native_step.available() else GameStep
        for members in (1, SEVERAL):
            step = kind(X, networks, table.game, optimiser, seed=0, members=range(members))
            steps = members * step.at_once
            own = work and steps * work
            found.append(Subject(_named(members), _in_runs(step), steps * batch, own))
        return found

    return subjects


def _named(members: int) -> str:
    return f"alad, {members} member{'s' * (members > 1)}"


def _scoring(table: Table) -> Callable[[], Sequence[Subject]]:
    def subjects() -> Sequence[Subject]:
        rows, networks, found = table.rows(SCORED), table.networks(), []
        work, form = SCORED * arithmetic.joint_row(networks), "denoising"
        if table.architecture is not None:
            work, form = SCORED * arithmetic.scored_row(networks), "published"
            plain = PlainNetworks(networks).eval()
            found = [
                Subject("PyTorch, a plain pass", lambda: scored_in_blocks(plain, rows), SCORED)
            ]
        for members in (1, SEVERAL):
            how = {"architecture": table.architecture, "form": form, "members": members}
            fitted = ALAD(**how, **UNTRAINED).fit(rows[:300]).fitted_
            own = members * work

            def encoded(fitted: Any = fitted) -> object:
                return fitted.score_encoded(rows)

            def whole(fitted: Any = fitted) -> object:
                return fitted.anomaly_score(rows)

            found.append(Subject(f"{_named(members)}, encoded rows", encoded, SCORED, own))
            found.append(Subject(f"{_named(members)}, from the table", whole, SCORED, own))
        return [*found, *_others(table)]

    return subjects


def _others(table: Table) -> Iterator[Subject]:
    """Time detectors of other packages on the same rows, as they come."""
    learnt, few = table.rows(LEARNT), table.rows(SCORED // 8)
    forest = IsolationForest(random_state=0).fit(learnt)
    yield Subject("scikit-learn, Isolation Forest", lambda: forest.score_samples(few), len(few))
    nearest = NearestNeighbors(n_neighbors=5).fit(learnt)
    yield Subject("scikit-learn, 5 neighbours", lambda: nearest.kneighbors(few), len(few))
    if find_spec("pyod"):
        from pyod.models.alad import ALAD as Packaged  # pyright: ignore[reportMissingImports]

        packaged = Packaged(epochs=1).fit(learnt)
        yield Subject("PyOD, ALAD", lambda: packaged.decision_function(few), len(few))


def _images(n: int) -> torch.Tensor:
    return torch.rand(n, *IMAGE, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _image_training() -> Sequence[Subject]:
    images, shape = _images(500), image_networks(IMAGE)
    optimiser = Optimiser(2e-4, IMAGE_BATCH)
    step = GameStep(images, game_networks(IMAGE, shape, GAME), GAME, optimiser, seed=0, members=[0])
    step.share_batch = True
    if native_step.available():
        step.products = NativeProducts()
    plain = PlainImageLoop(images, shape, optimiser)
    return [
        Subject("PyTorch, a plain loop", _counted(plain), IMAGE_BATCH),
        Subject("alad, 1 member", _counted(step), IMAGE_BATCH),
    ]


def _image_scoring() -> Sequence[Subject]:
    images = _images(256).numpy()
    detector = ALAD(form="published", **UNTRAINED).fit(images[:64])
    networks = game_networks(IMAGE, image_networks(IMAGE), GAME)
    work = len(images) * arithmetic.scored_row(networks)
    return [Subject("alad, 1 member", lambda: detector.anomaly_score(images), len(images), work)]
