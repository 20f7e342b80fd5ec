"""The hand-written step against the plain one, for every game and many networks."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import alad
from alad import locks
from alad.adversarial import native_step
from alad.adversarial.architectures import Architecture
from alad.adversarial.game import DENOISING, DENOISING_GAME, FAMILY, SIDES, XX, XZ, ZZ, Game
from alad.adversarial.native_step import NativeGameStep
from alad.adversarial.networks import game_networks
from alad.adversarial.step import GameStep
from alad.errors import InputError
from alad.native import build, compiling
from alad.native.memory import share_out
from alad.networks.layers import Dense
from alad.networks.weights import buffer_layout
from alad.training.noise import StepNoise
from alad.training.optimizer import Optimiser, WeightGroup

SMALL = Architecture(3, (7,), (5, 9), 6, (8,), (10,), (4,))
PAPER = Architecture(32, (64,), (64, 128), 128, (128,), (128,), (32,))
DEEP = Architecture(5, (20, 17), (), 16, (33, 18), (24, 16), (9, 2), 0.3, 0.0)
BARE = Architecture(2, (), (6,), 5, (1,), (17,), (16,), 0.0, 0.25, xz_batch_norm=False)

WAVY = Architecture(6, (20,), (18, 9), 16, (33,), (24,), (9,), 0.2, xz_batch_norm=False, periods=3)

FULL = Game((XZ, XX, ZZ))
SPECTRAL = FAMILY["alad"]
# errors are measured in absolute terms, so the penalty weighs as the terms do
NOISY = replace(DENOISING_GAME, penalties=(replace(DENOISING, weight=1.0),))

CASES = [
    (SMALL, 11, Game((XZ,))),
    (SMALL, 11, Game((XZ, XX))),
    (SMALL, 11, Game((XZ, ZZ))),
    (SMALL, 11, SPECTRAL),
    (PAPER, 121, FULL),
    (PAPER, 121, SPECTRAL),
    (DEEP, 16, FULL),
    (DEEP, 35, SPECTRAL),
    (BARE, 1, FULL),
    (BARE, 9, SPECTRAL),
    (BARE, 9, Game((XZ, ZZ), spectral=True)),
    (SMALL, 11, NOISY),
    (DEEP, 16, NOISY),
    (BARE, 1, replace(NOISY, spectral=False)),
    (WAVY, 5, NOISY),
    (WAVY, 31, NOISY.switched(ZZ, False)),
    (WAVY, 16, FULL),
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def compiled() -> None:
    """Without a compiler nothing can be compared; with one, a step that fails to build is a bug."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    assert native_step.available(), native_step.reason()


def rows(count: int, width: int) -> Tensor:
    drawn = np.random.default_rng(width).standard_normal((count, width)).astype(np.float32)
    drawn[:, 1::3] = 0.0  # as one-hot columns: sums that are exactly zero
    return torch.from_numpy(drawn)


def make(
    kind: type[GameStep],
    shape: Architecture,
    width: int,
    game: Game,
    members: int | list[int] = 3,
    batch: int = 13,
):
    chosen = list(range(members)) if isinstance(members, int) else members
    networks = game_networks((width,), shape, game)
    return kind(rows(60, width), networks, game, Optimiser(1e-3, batch), seed=5, members=chosen)


class InDouble(GameStep):
    """The plain step, same start and random numbers, in float64: how far is float32 itself off?"""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.X = self.X.double()
        for name, layers in self.networks.groups.items():
            side = getattr(self, name)
            self.by_group[name] = WeightGroup(layers, side.weights.double(), side.optimiser)
            setattr(self, name, self.by_group[name])
        self.buffers = self.buffers.double()
        self.buffer_views = buffer_layout(self.networks.layers).views(self.buffers)

    def __call__(self, number: int) -> Tensor:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("alad.training.step.StepNoise", DoubleNoise)
            return super().__call__(number)


class DoubleNoise(StepNoise):
    def normal(self, *shape: int) -> Tensor:
        return super().normal(*shape).double()

    def uniform(self, *shape: int) -> Tensor:
        return super().uniform(*shape).double()

    def mask(self, rows: int, units: int, rate: float) -> Tensor:
        return super().mask(rows, units, rate).double()


def named(step: GameStep) -> dict[str, Tensor]:
    """Every array of every layer by name, without the few whose true gradient is 0.

    There Adam turns rounding into full steps. They are what batch norm takes off again: its own
    layer's bias (and with it the running mean), and in BiGAN, where G(z) is seen by D_xz alone,
    the bias of G's last layer.
    """
    found = {}
    for name, side in step.by_group.items():
        for kind, array in side.arrays().items():
            views = side.layout.views(array).items()
            found |= {f"{name}.{kind}.{part}": view for part, view in views}
    found |= {f"buffers.{part}": view for part, view in step.buffer_views.items()}
    undecided = []
    if any(isinstance(layer, Dense) and layer.batch_norm for layer in step.networks.layers):
        undecided = ["Dxz.x.bias", "Dxz.x.mean"]
        if len(step.networks.discriminators) == 1:
            undecided.append(step.networks.generator.layers[-1].name + ".bias")
    return {name: view for name, view in found.items() if not name.endswith(tuple(undecided))}


def errors(a: GameStep, b: GameStep, kind: str) -> dict[str, float]:
    """Name -> root mean square of the difference, for the arrays of this kind."""
    others = named(b)
    return {
        name: float((view.double() - others[name].double()).square().mean().sqrt())
        for name, view in named(a).items()
        if kind in name
    }


ENGINES = (GameStep, NativeGameStep, InDouble)


@pytest.mark.parametrize(("shape", "width", "game"), CASES)
@pytest.mark.parametrize("members", [1, 3])
def test_one_step_has_the_losses_and_gradients_of_the_plain_one(
    shape: Architecture, width: int, game: Game, members: int
):
    plain, fast, exact = (make(kind, shape, width, game, members) for kind in ENGINES)
    losses, expected, _ = fast(0), plain(0), exact(0)
    np.testing.assert_allclose(losses[:, 0], expected[:, 0], rtol=2e-6)
    np.testing.assert_allclose(losses[:, 1], expected[:, 1], rtol=2e-4)  # of updated discriminators
    for side in SIDES:
        # the first moment after one step is half the gradient: entries of 0.1, about 1e-8 off
        kind = f"{side}.moment"
        ours, theirs = (max(errors(step, exact, kind).values()) for step in (plain, fast))
        assert theirs < 3 * ours + 1e-7
    assert max(errors(fast, plain, "buffers").values(), default=0.0) < 5e-6


@pytest.mark.parametrize(("shape", "width", "game"), CASES)
def test_thirty_steps_lead_where_the_plain_ones_lead(shape: Architecture, width: int, game: Game):
    plain, fast, exact = (make(kind, shape, width, game) for kind in ENGINES)
    start = {name: view.clone() for name, view in named(plain).items()}
    for number in range(30):
        losses, expected, _ = fast(number), plain(number), exact(number)
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    ours, theirs = errors(plain, exact, "weights"), errors(fast, exact, "weights")
    for name, error in theirs.items():
        moved = float((named(plain)[name] - start[name]).square().mean().sqrt())
        # float32 itself is off by 1e-7, more where the sign of a unit or gradient hangs on rounding
        assert error < 1e-6 + 3 * ours[name] + 0.02 * moved, name
    for kind in ("average", "moment", "square", "buffers"):
        assert max(errors(fast, plain, kind).values(), default=0.0) < 2e-4, kind


@pytest.mark.parametrize("game", [Game((XZ,)), SPECTRAL])
def test_a_member_among_others_is_the_member_alone(game: Game):
    together, alone = (make(NativeGameStep, SMALL, 11, game, who) for who in ([0, 4, 7], [4]))
    for number in range(5):
        np.testing.assert_array_equal(together(number)[1:2], alone(number))
    for name, array in alone.arrays().items():
        assert torch.equal(together.arrays()[name][1:2], array), name


def test_the_number_of_threads_changes_nothing():
    steps = [make(NativeGameStep, PAPER, 40, SPECTRAL, 5) for _ in range(2)]
    for threads, step in zip((1, 2), steps, strict=True):
        torch.set_num_threads(threads)
        for number in range(20):
            step(number)
    for name, array in steps[0].arrays().items():
        assert torch.equal(array, steps[1].arrays()[name]), name


def test_a_step_is_a_function_of_arrays_and_number():
    straight, first, second = (make(NativeGameStep, SMALL, 11, SPECTRAL) for _ in range(3))
    for number in range(8):
        straight(number)
        if number < 4:
            first(number)
    for name, array in second.arrays().items():
        array.copy_(first.arrays()[name])
    for number in range(4, 8):
        second(number)
    for name, array in straight.arrays().items():
        assert torch.equal(array, second.arrays()[name]), name


@pytest.mark.parametrize("members", [1, 3])
def test_a_run_of_steps_is_the_same_steps(members: int):
    one, several = (make(NativeGameStep, SMALL, 11, SPECTRAL, members) for _ in range(2))
    losses = torch.stack([one(number) for number in range(25)])
    # more than the ten that are made at once, and a few at a time
    runs = torch.cat([several.run(0, 17), several.run(17, 3), several.run(20, 5)])
    assert several.at_once == 10 and torch.equal(runs, losses)
    for name, array in one.arrays().items():
        assert torch.equal(array, several.arrays()[name]), name


def test_the_engines_may_take_turns():
    engines = (GameStep, GameStep, NativeGameStep)
    plain, mixed, other = (make(kind, SMALL, 11, SPECTRAL) for kind in engines)
    for number in range(6):
        plain(number)
        (mixed if number % 2 else other)(number)
        source, target = (mixed, other) if number % 2 else (other, mixed)
        for name, array in target.arrays().items():
            array.copy_(source.arrays()[name])
    assert max(errors(mixed, plain, "weights").values()) < 1e-5


@pytest.mark.parametrize("batch", [1, 2, 7, 60])
def test_any_batch_size(batch: int):
    plain, fast = (make(kind, SMALL, 11, SPECTRAL, 1, batch) for kind in (GameStep, NativeGameStep))
    np.testing.assert_allclose(fast(0), plain(0), rtol=2e-4)
    assert max(errors(fast, plain, "moment").values()) < 1e-6


def test_nan_in_the_data_is_nan_in_the_loss():
    step = make(NativeGameStep, SMALL, 11, FULL, 2, 60)
    step.X[17, 3] = torch.nan
    assert torch.isnan(step(0)).all()


def test_global_random_state_is_left_alone():
    torch_before, numpy_before = torch.get_rng_state(), str(np.random.get_state())
    make(NativeGameStep, SMALL, 11, SPECTRAL)(0)
    assert torch.equal(torch_before, torch.get_rng_state())
    assert numpy_before == str(np.random.get_state())


def test_rows_of_a_wider_matrix():
    wide = torch.cat([rows(60, 11), torch.full((60, 5), torch.nan)], dim=1)[:, :11]
    strided, plain = (
        kind(X, game_networks((11,), SMALL, FULL), FULL, Optimiser(1e-3, 13), seed=5, members=[0])
        for kind, X in ((NativeGameStep, wide), (GameStep, rows(60, 11)))
    )
    np.testing.assert_allclose(strided(0), plain(0), rtol=2e-4)


@pytest.mark.parametrize("X", [rows(20, 4).double(), rows(20, 4).to("meta")])
def test_what_it_cannot_do_it_refuses(X: Tensor):
    with pytest.raises(InputError, match="native step needs float32 on the CPU"):
        networks = game_networks((4,), SMALL, FULL)
        NativeGameStep(X, networks, FULL, Optimiser(1e-3, 5), seed=0, members=[0])


def test_too_many_layers_are_refused():
    deep = Architecture(3, (4,) * 70, (5,), 6, (8,), (10,), (4,))
    with pytest.raises(InputError, match="at most 64 layers"):
        make(NativeGameStep, deep, 11, FULL)


def fresh_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the library, for the length of a test, and build quickly."""
    monkeypatch.setattr(build, "_made", functools.cache(build._made.__wrapped__))
    monkeypatch.setattr(build, "tell", functools.cache(build.tell.__wrapped__))
    monkeypatch.setattr(compiling, "FLAGS", compiling.FLAGS.replace("-O3", "-O1"))
    monkeypatch.setenv("ALAD_NATIVE", "compile")


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch):
    fresh_build(monkeypatch)
    monkeypatch.setenv("CC", "no-such-compiler")
    assert not native_step.available()
    assert (
        native_step.reason() == "no C compiler: 'no-such-compiler' not found; install one or set CC"
    )
    with pytest.raises(InputError, match="use the plain step"):
        make(NativeGameStep, SMALL, 11, FULL)


def test_a_compiler_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    fresh_build(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "false")
    assert "could not compile the C sources" in (native_step.reason() or "")
    assert list(tmp_path.rglob("*.so")) == []


def test_a_compiler_that_fails_is_tried_once_and_told_of_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    fresh_build(monkeypatch)
    tried = tmp_path / "tried"
    compiler = tmp_path / "compiler"
    compiler.write_text(f"#!/bin/sh\necho again >> {tried}\nexit 1\n")
    compiler.chmod(0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", str(compiler))
    X = np.random.default_rng(0).normal(size=(60, 5))
    detector = alad.ALAD(max_steps=2, random_state=0)
    with pytest.warns(UserWarning, match="slower ones do their work: .* could not compile") as told:
        detector.fit(X)
    assert detector.training_["engine"] == "torch"
    assert detector.training_["scoring_engine"] == "numpy"
    once = tried.read_text()
    detector.fit(X)
    assert len(told) == 1 and tried.read_text() == once


@pytest.mark.skipif(os.name != "posix", reason="there are no process groups")
def test_a_compiler_that_takes_too_long_is_ended_with_what_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    compiler, started = tmp_path / "cc", tmp_path / "started"
    compiler.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {started}\nwait\n")
    compiler.chmod(0o700)
    monkeypatch.setattr(compiling, "COMPILE_SECONDS", 0.5)
    with pytest.raises(build.BuildError, match=r"could not be run: .*timed out"):
        compiling._run([str(compiler)])
    child = int(started.read_text())
    for _ in range(100):
        if not _is_running(child):
            return
        time.sleep(0.05)
    pytest.fail("the compiler's child is still there")


def _is_running(process: int) -> bool:
    """A zombie that nobody has waited for is none."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    told = Path(f"/proc/{process}/stat")
    return not (told.exists() and ") Z" in told.read_text())


def test_an_error_in_one_piece_is_that_of_all():
    def work(piece: int) -> None:
        if piece == 1:
            raise ValueError("piece 1")

    with pytest.raises(ValueError, match="piece 1"):
        share_out(work, range(8), 2)


def test_the_library_is_built_once_in_a_private_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    fresh_build(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert native_step.available()
    (built,) = tmp_path.rglob("*.so")
    assert built.parent.stat().st_mode & 0o077 == 0
    made = built.stat().st_mtime_ns
    assert native_step.available()
    assert built.stat().st_mtime_ns == made


@pytest.mark.parametrize("broken", ["open to all", "a file"])
def test_without_a_cache_it_compiles_once_a_process_says_so_and_leaves_nothing(
    broken: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    fresh_build(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache = tmp_path / "cache" / "alad" / "native"
    if broken == "a file":
        (tmp_path / "cache").write_text("")
    else:
        cache.mkdir(parents=True)
        cache.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    compiled = []
    compile_it = compiling._compile
    monkeypatch.setattr(
        compiling, "_compile", lambda *args: (compiled.append(args), compile_it(*args))
    )
    with pytest.warns(UserWarning, match="compiled anew in every process.*XDG_CACHE_HOME") as told:
        assert native_step.available()
        make(NativeGameStep, SMALL, 11, FULL)(0)  # it works without its file
        assert native_step.available()
    assert len(compiled) == len(told) == 1
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not cache.exists() or list(cache.iterdir()) == []


def test_what_a_killed_compilation_left_is_removed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    fresh_build(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = tmp_path / "alad" / "native"
    for name in ("compiling-dead", "compiling-alive"):
        (cache / name).mkdir(parents=True)
        (cache / name / "half.so").write_text("")
    cache.chmod(0o700)
    with locks.locked(cache / "compiling-alive", wait=False):
        assert native_step.available()
    assert [path.name for path in cache.glob("compiling-*")] == ["compiling-alive"]


def test_importing_compiles_nothing(tmp_path: Path):
    command = [sys.executable, "-c", "import alad.native"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run(command, check=True, env=environment, timeout=60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() != "AVX512", reason="no AVX-512 to do without"
)
def test_narrower_registers_give_the_same_bits():
    told = (
        "import alad, numpy as np; r = np.random.default_rng(0);"
        "X = r.normal(size=(200, 12)), r.integers(0, 256, (40, 12, 9, 3), np.uint8);"
        "how = dict(random_state=0, max_steps=5, patience=None, engine='native');"
        "print([alad.ALAD(**how).fit(x).anomaly_score(x).tobytes().hex() for x in X])"
    )
    made = [
        subprocess.run(
            [sys.executable, "-c", told],
            env=os.environ | {"CC": compiler},
            capture_output=True,
            check=True,
        ).stdout
        for compiler in ("cc", "cc -mno-avx512f")
    ]
    assert made[0] == made[1]
