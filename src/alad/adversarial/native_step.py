"""The training step in C, for dense networks in float32: several times as fast on a CPU.

Random numbers and arrays are those of the plain PyTorch step. What it cannot train it refuses at
construction.

Nothing is compiled at import. `available()` compiles (once per machine) and tells whether that
went well, `reason()` why not.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_int64, c_void_p

import numpy as np
import torch
from torch import Tensor

from alad.adversarial import native_structures
from alad.adversarial.game import Game
from alad.adversarial.native_structures import Adam, Member, State
from alad.adversarial.networks import GameNetworks
from alad.adversarial.step import GameStep
from alad.errors import InputError
from alad.native import build
from alad.native.memory import workspace
from alad.randomness import Purpose, seed_words
from alad.training.optimizer import Optimiser, WeightGroup, ema_decay_at
from alad.training.rows import Rows, StreamedRows

MOST_LAYERS = 64  # of all networks together, as in step.c
AT_ONCE = 10  # steps of a member, at most, before the next member's turn
AT_ONCE_PRODUCTS = 1 << 31  # and about a third of the products in them: Ctrl-C waits for a run


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
    library.alad_steps.argtypes = [c_void_p, c_void_p, c_int64, c_int64, c_void_p]
    library.alad_steps.restype = None
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
        if not isinstance(X, StreamedRows):
            weights = sum(group.weights.shape[1] for group in self.by_group.values())
            products = self.batch * len(members) * weights
            self.at_once = max(1, min(AT_ONCE, AT_ONCE_PRODUCTS // products))
        self._inputs = _Inputs(self)
        self._workspaces: list[np.ndarray] = []  # one for each thread
        self._pool: ThreadPoolExecutor | None = None
        self._pool_size = 0

    def __call__(self, number: int) -> Tensor:
        """Update both sides, each on its own rows and noise; losses [members, 2]."""
        return self.run(number, 1)[0]

    def run(self, first: int, count: int) -> Tensor:
        """Make so many updates of each member before those of the next: its weights stay near."""
        starts = range(first, first + count, self.at_once)
        made = [self._run(at, min(self.at_once, first + count - at)) for at in starts]
        return made[0] if len(made) == 1 else torch.cat(made)

    def _run(self, first: int, count: int) -> Tensor:
        """Make at most `at_once` updates."""
        self._inputs.fill(self, first, count)
        threads = max(1, min(torch.get_num_threads(), len(self.members)))
        todo = itertools.count()  # next() on it is atomic
        spaces = self._spaces(threads)
        helpers = self._helpers(threads - 1)
        others = [helpers.submit(self._work, count, todo, space) for space in spaces[1:]]
        self._work(count, todo, spaces[0])
        for other in others:
            other.result()
        return self._inputs.losses[:count].clone()

    def _work(self, count: int, todo: Iterator[int], space: np.ndarray) -> None:
        """Take all steps of one member after the other, as long as there are members left."""
        plan, inputs = ctypes.addressof(self._plan), self._inputs
        words = inputs.seeds.shape[-1]
        while (position := next(todo)) < len(self.members):
            steps = inputs.address(position)
            self._engine.alad_steps(plan, steps, count, words, space.ctypes.data)

    def _spaces(self, threads: int) -> list[np.ndarray]:
        while len(self._workspaces) < threads:
            size = self._engine.alad_workspace_bytes(ctypes.addressof(self._plan))
            self._workspaces.append(workspace(size))
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


class _Inputs:
    """What the C step reads and writes in a run of steps, at places that stay the same.

    seeds [members, at_once, words], losses [at_once, members, 2], rows [at_once, 2, members,
    batch]: numbers of rows of X, or of a copy of those of the step, where X lies in a file.
    """

    def __init__(self, step: NativeGameStep):
        steps, members = step.at_once, len(step.members)
        words = [seed_words(step.seed, member, Purpose.STEP) for member in step.members]
        self.seeds = np.repeat(np.stack(words)[:, np.newaxis], steps, axis=1)
        self.losses = torch.zeros(steps, members, 2)
        self._rows = np.zeros((steps, 2, members, step.batch), np.int64)
        if isinstance(step.X, StreamedRows):
            self._X = torch.zeros(self._rows.size, step.X.shape[1])
            self._rows[:] = np.arange(self._rows.size).reshape(self._rows.shape)
        else:
            self._X = step.X
        self._adam = (Adam * 2 * steps)()
        places = itertools.product(range(members), range(steps))
        self._members = (Member * (members * steps))(*(self._member(step, *at) for at in places))

    def _member(self, step: NativeGameStep, position: int, at: int) -> Member:
        adam = ctypes.addressof(self._adam[at])
        return Member(
            _state(step.generator, position),
            _state(step.discriminator, position),
            adam,
            adam + ctypes.sizeof(Adam),
            _address(step.buffers, position) if step.buffers.numel() else None,
            self._X.data_ptr(),
            self._X.stride(0),
            (c_void_p * 2)(*(rows[position].ctypes.data for rows in self._rows[at])),
            self.seeds[position, at].ctypes.data,
            _address(self.losses[at], position),
        )

    def fill(self, step: NativeGameStep, first: int, count: int) -> None:
        """Fill in seeds, batches and optimisers of so many steps."""
        self.seeds[:, :count, -1] = np.arange(first, first + count)
        for at, turn in itertools.product(range(count), (0, 1)):
            batch = step.order.batch(first + at, turn)
            if isinstance(step.X, StreamedRows):  # a step at once
                step.X[batch.flatten()].into(self._X[turn * batch.size :][: batch.size])
            else:
                self._rows[at, turn] = batch
        for at in range(count):
            for place, side in enumerate((step.generator, step.discriminator)):
                self._adam[at][place] = _adam(side.optimiser, first + at)

    def address(self, position: int) -> int:
        """Find where the steps of a member begin."""
        return ctypes.addressof(self._members) + position * len(self.losses) * ctypes.sizeof(Member)


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
