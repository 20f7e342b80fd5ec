"""The training step in C, for dense networks in float32: several times as fast on a CPU.

Random numbers and arrays are those of the plain PyTorch step. What it cannot train it refuses at
construction.

Nothing is compiled at import. `available()` compiles (once per machine) and tells whether that
went well, `reason()` why not.
"""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_int64, c_void_p

import numpy as np
import torch
from torch import Tensor

from alad.adversarial import native_structures
from alad.adversarial.game import Game, Noise
from alad.adversarial.native_structures import Adam, Member, State
from alad.adversarial.networks import GameNetworks
from alad.adversarial.step import GameStep
from alad.errors import InputError
from alad.native import build
from alad.randomness import Purpose, stream
from alad.training.optimizer import Optimiser, WeightGroup, ema_decay_at
from alad.training.rows import Rows, StreamedRows

MOST_LAYERS = 64  # of all networks together, as in step.c


def available() -> bool:
    """Tell whether there is a compiled step on this machine."""
    return reason() is None


def preferred() -> bool:
    """Tell whether there is a compiled step; if not, warn, once, that PyTorch trains instead."""
    problem = reason()
    if problem is not None:
        build.tell(problem)
    return problem is None


def reason() -> str | None:
    """Say in one line why there is no compiled step; None if there is one."""
    try:
        _library()
    except build.BuildError as error:
        return str(error)
    return None


def _library() -> ctypes.CDLL:
    library = build.library()
    library.alad_step.argtypes = [c_void_p] * 4
    library.alad_step.restype = None
    library.alad_workspace_bytes.argtypes = [c_void_p]
    library.alad_workspace_bytes.restype = c_int64
    library.alad_structure_bytes.argtypes = [ctypes.c_int]
    library.alad_structure_bytes.restype = c_int64
    for number, structure in enumerate(native_structures.STRUCTURES):
        if library.alad_structure_bytes(number) != ctypes.sizeof(structure):
            raise build.BuildError(
                f"{structure.__name__} is laid out differently in C and in Python"
            )
    return library


class NativeGameStep(GameStep):
    """`GameStep` with another engine: works in place on the same arrays, so the two may take turns.

    Members run on torch.get_num_threads() threads; the results do not depend on how many. They
    equal those of `GameStep` up to rounding, with one exception: a bias followed by batch norm has
    no effect and gets a gradient of exactly 0, where PyTorch's is rounding noise that Adam blows up
    to full steps.

    Raises InputError if the step cannot be compiled here or X is not float32 on the CPU.
    """

    engine = "native"  # pyright: ignore[reportAssignmentType]

    def __init__(
        self,
        X: Rows,
        networks: GameNetworks,
        game: Game,
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        _require_supported(X, networks, game)
        X = X if isinstance(X, StreamedRows) else X.contiguous()
        super().__init__(X, networks, game, optimiser, seed=seed, members=members)
        self._plan = native_structures.plan(networks, game, self.batch)
        self._engine = _library()
        self._inputs = _Inputs(self)
        self._workspaces: list[_Workspace] = []
        self._pool: ThreadPoolExecutor | None = None
        self._pool_size = 0

    def __call__(self, number: int) -> Tensor:
        """Update both sides, each on its own rows and noise; losses [members, 2]."""
        self._inputs.fill(self, number)
        threads = max(1, min(torch.get_num_threads(), len(self.members)))
        todo = itertools.count()  # next() on it is atomic
        spaces = self._spaces(threads)
        helpers = self._helpers(threads - 1)
        others = [helpers.submit(self._work, number, todo, space) for space in spaces[1:]]
        self._work(number, todo, spaces[0])
        for other in others:
            other.result()
        return self._inputs.losses.clone()

    def _work(self, number: int, todo: Iterator[int], space: _Workspace) -> None:
        """Take a step for one member after the other, as long as there are any left."""
        plan, inputs = ctypes.addressof(self._plan), self._inputs
        while (position := next(todo)) < len(self.members):
            noise = stream(self.seed, self.members[position], Purpose.STEP, number)
            space.draw(noise, self.game.noise)
            # the stream's dropout words are drawn in C, from where the samples end
            inputs.random[position] = noise.bit_generator.state["state"]["state"]
            self._engine.alad_step(
                plan, inputs.address(position), space.samples_address, space.address
            )

    def _spaces(self, threads: int) -> list[_Workspace]:
        while len(self._workspaces) < threads:
            size = self._engine.alad_workspace_bytes(ctypes.addressof(self._plan))
            shape = (2, self.batch, self.networks.latent)
            width = 0 if self.game.noise is None else self.X.shape[1]
            self._workspaces.append(_Workspace(size, shape, width))
        return self._workspaces[:threads]

    def _helpers(self, count: int) -> ThreadPoolExecutor:
        """Return threads beside the caller's; they start with their first work."""
        if self._pool is None or count > self._pool_size:
            self._pool_size = max(count, 1)
            self._pool = ThreadPoolExecutor(self._pool_size, thread_name_prefix="alad-step")
        return self._pool


def _require_supported(X: Rows, networks: GameNetworks, game: Game) -> None:
    if X.ndim != 2:
        raise InputError("the native step is for rows of tables, not for images: engine='torch'")
    if X.device.type != "cpu" or X.dtype != torch.float32:
        kind = f"{X.dtype} on {X.device}"
        raise InputError(
            f"the native step needs float32 on the CPU, not {kind}: use the plain step"
        )
    if (problem := native_structures.refusal(game)) is not None:
        raise InputError(f"{problem}: engine='torch'")
    if len(networks.layers) > MOST_LAYERS:
        limit = f"at most {MOST_LAYERS} layers"
        raise InputError(f"the native step takes {limit}: use the plain step")
    if (problem := reason()) is not None:
        raise InputError(f"the native step is not available ({problem}): use the plain step")


class _Workspace:
    """Scratch memory of one thread, and what is drawn for a step, in the order of `play.samples`.

    width: numbers of a row that get noise, 0 = none do.
    """

    def __init__(self, size: int, z_shape: tuple[int, int, int], width: int):
        self._memory = np.zeros(size + 64, np.uint8)
        start = self._memory.ctypes.data
        self.address = start + -start % 64
        turns, batch, latent = z_shape
        rows = turns * batch
        samples = np.empty(rows * (latent + (1 + width if width else 0)), np.float32)
        self.samples_address = samples.ctypes.data
        self._z, self._levels, self._noise = np.split(samples, [rows * latent, rows * (latent + 1)])

    def draw(self, generator: np.random.Generator, noise: Noise | None) -> None:
        """Draw z, and levels and noise if there is any."""
        generator.standard_normal(dtype=np.float32, out=self._z)
        if noise is None:
            return
        low, high = map(np.float32, (math.log(noise.low), math.log(noise.high)))
        generator.random(dtype=np.float32, out=self._levels)
        self._levels *= high - low
        self._levels += low
        generator.standard_normal(dtype=np.float32, out=self._noise)


class _Inputs:
    """What the C step reads and writes, at places that stay the same from step to step.

    random [members, 4], losses [members, 2], rows [2, members, batch]: numbers of rows of X, or of
    a copy of those of the step, where X lies in a file.
    """

    def __init__(self, step: NativeGameStep):
        members = len(step.members)
        self.random = np.zeros((members, 4), np.uint64)
        self.losses = torch.zeros(members, 2)
        self._rows = np.zeros((2, members, step.batch), np.int64)
        if isinstance(step.X, StreamedRows):
            self._X = torch.zeros(self._rows.size, step.X.shape[1])
            self._rows[:] = np.arange(self._rows.size).reshape(self._rows.shape)
        else:
            self._X = step.X
        self._adam = (Adam * 2)()
        self._members = (Member * members)(*(self._member(step, k) for k in range(members)))

    def _member(self, step: NativeGameStep, position: int) -> Member:
        adam = ctypes.addressof(self._adam)
        return Member(
            _state(step.generator, position),
            _state(step.discriminator, position),
            adam,
            adam + ctypes.sizeof(Adam),
            _address(step.buffers, position) if step.buffers.numel() else None,
            self._X.data_ptr(),
            self._X.stride(0),
            (c_void_p * 2)(*(rows[position].ctypes.data for rows in self._rows)),
            self.random[position].ctypes.data,
            _address(self.losses, position),
        )

    def fill(self, step: NativeGameStep, number: int) -> None:
        """Fill in batches and optimisers of one step."""
        for turn in (0, 1):
            batch = step.order.batch(number, turn)
            if isinstance(step.X, StreamedRows):
                step.X[batch.flatten()].into(self._X[turn * batch.size :][: batch.size])
            else:
                self._rows[turn] = batch
        for position, side in enumerate((step.generator, step.discriminator)):
            self._adam[position] = _adam(side.optimiser, number)

    def address(self, position: int) -> int:
        return ctypes.addressof(self._members) + position * ctypes.sizeof(Member)


def _address(array: Tensor, position: int) -> int:
    return array.data_ptr() + position * array.stride(0) * array.element_size()


def _state(side: WeightGroup, position: int) -> State:
    arrays = (side.weights, side.average, side.moment, side.square)
    return State(*(_address(array, position) for array in arrays))


def _adam(settings: Optimiser, number: int) -> Adam:
    """Describe update `number` (from 0) to C, both bias corrections worked in."""
    first, second = (1.0 - beta ** (number + 1) for beta in (settings.beta1, settings.beta2))
    return Adam(
        settings.beta1,
        settings.beta2,
        1.0 - settings.beta1,
        1.0 - settings.beta2,
        settings.epsilon,
        settings.learning_rate / first,
        second**-0.5,
        1.0 - ema_decay_at(number, settings.ema_decay),
    )
