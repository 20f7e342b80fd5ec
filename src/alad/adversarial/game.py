"""The adversarial game as data: which pairs each discriminator sees, and what is added to it.

Zenati et al. 2018, section III. For x from the data and z ~ N(0, I):

| discriminator | real pair    | fake pair         | methods            |
|---------------|--------------|-------------------|--------------------|
| D_xz          | (x, E(x))    | (G(z), z)         | BiGAN, ALICE, ALAD |
| D_xx          | (x, x)       | (x, G(E(x)))      | ALICE, ALAD        |
| D_zz          | (z, z)       | (z, E(G(z)))      | ALAD               |

This table is read by the networks (which discriminators there are, on which inputs), by both losses
(`play`), by the engine in C, by the drawing of the game and by the rows of the ablation study. A
game with one more row is trained by the reference at once; an engine that cannot play it says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from alad.networks.stacks import Space

ROW, NOISY_ROW, CODE = "x", "x~", "z"  # x~ = x + sigma n, n ~ N(0, I), where a game has noise
LEAVES: dict[str, Space] = {ROW: "row", NOISY_ROW: "row", CODE: "code"}
MAPS: dict[str, tuple[Space, Space]] = {"E": ("row", "code"), "G": ("code", "row")}  # from, to

Side = Literal["discriminator", "generator"]  # whose weights move: the D's, or those of E and G
SIDES: tuple[Side, Side] = ("discriminator", "generator")  # in the order of their moves


def parsed(symbol: str) -> tuple[str, str]:
    """Split "G(E(x))" into the network and its input, ("G", "E(x)"); a leaf gives ("", leaf)."""
    applied = re.fullmatch(r"([EG])\((.+)\)", symbol)
    if applied is None and symbol not in LEAVES:
        raise ValueError(f"{symbol!r} is no symbol of the game; there are {[*LEAVES]}, E(…), G(…)")
    return (applied[1], applied[2]) if applied else ("", symbol)


def space_of(symbol: str) -> Space:
    """Tell a row from a code. Raises ValueError for a symbol that stands for neither."""
    network, argument = parsed(symbol)
    if not network:
        return LEAVES[argument]
    takes, gives = MAPS[network]
    if space_of(argument) != takes:
        raise ValueError(f"{symbol!r}: {network} takes a {takes}, which {argument!r} is not")
    return gives


def leaf_of(symbol: str) -> str:
    """Give the leaf that a symbol begins with: "x" of "G(E(x))"."""
    network, argument = parsed(symbol)
    return leaf_of(argument) if network else argument


@dataclass(frozen=True)
class Term:
    """One discriminator D_name, and the inputs that it tells apart: a row or code, or a pair.

    real, fake: symbols such as "x", "z", "E(x)", "G(E(x))". asks: its question, for readers.
    """

    name: str
    real: tuple[str, ...]
    fake: tuple[str, ...]
    asks: str = ""

    def __post_init__(self) -> None:
        fake = tuple([space_of(symbol) for symbol in self.fake])
        if self.spaces != fake or not 1 <= len(fake) <= 2:
            raise ValueError(f"D_{self.name} sees {self.spaces} as real, {fake} as fake inputs")

    @property
    def spaces(self) -> tuple[Space, ...]:
        """Spaces of the inputs."""
        return tuple([space_of(symbol) for symbol in self.real])

    @property
    def real_is_constant(self) -> bool:
        """Whether E and G have no part in the real input, which then has no gradient for them."""
        return all(symbol in LEAVES for symbol in self.real)


XZ = Term("xz", ("x", "E(x)"), ("G(z)", "z"), asks="does the code belong to the row?")
XX = Term("xx", ("x", "x"), ("x", "G(E(x))"), asks="does the row come back?")
ZZ = Term("zz", ("z", "z"), ("z", "E(G(z))"), asks="does the code come back?")


@dataclass(frozen=True)
class Penalty:
    """weight * value(*of), added to the loss of one side or of both.

    of: symbols of what E and G make, or logits of a term, "xz.real" and "xz.fake" [members, n].
    value: arrays [members, n, *] -> [members], the mean over rows.
    """

    name: str
    of: tuple[str, ...]
    value: Callable[..., Any]
    weight: float = 1.0
    sides: tuple[Side, ...] = ("generator",)

    @property
    def made(self) -> tuple[str, ...]:
        """The symbols among `of`, without logits."""
        return tuple(symbol for symbol in self.of if "." not in symbol)


def mean_square(a: Any, b: Any) -> Any:
    """Compute the squared difference of a and b [members, n, *], mean over all but members."""
    return (a - b).square().flatten(2).mean(2).mean(1)


@dataclass(frozen=True)
class Noise:
    """Noise of rows, x~ = x + sigma n: ln sigma uniform in [ln low, ln high], anew for each row.

    conditions: whether E and G read ln sigma beside their input; it is ln low for all that does not
    begin with x~. scored: the sigma that a row is scored with, as if it had such noise.
    """

    low: float = 0.02
    high: float = 1.0
    conditions: bool = True
    scored: float = 0.1

    @property
    def scored_level(self) -> float | None:
        """The ln sigma that E and G read at scoring; None if they read none."""
        return math.log(self.scored) if self.conditions else None


@dataclass(frozen=True)
class Game:
    """The terms that are played; whether layers are spectrally normalised; penalties and noise."""

    terms: tuple[Term, ...]
    spectral: bool = False
    penalties: tuple[Penalty, ...] = ()
    noise: Noise | None = None

    def __post_init__(self) -> None:
        names = [term.name for term in self.terms]
        if len(set(names)) < len(names):
            raise ValueError(f"terms of one name: {names}")
        if self.noise is None and any(leaf_of(symbol) == NOISY_ROW for symbol in self._asked_for):
            raise ValueError(f"the game has {NOISY_ROW} but no noise")

    @property
    def level(self) -> float | None:
        """The noise level, ln sigma, that E and G read at scoring; None if they read none."""
        return None if self.noise is None else self.noise.scored_level

    def switched(self, term: Term, on: bool) -> Game:
        """Give the same game with a term, or without it."""
        others = tuple(other for other in self.terms if other != term)
        if on and term in self.terms:
            return self
        return replace(self, terms=(*others, term) if on else others)

    @property
    def _asked_for(self) -> list[str]:
        terms = [symbol for term in self.terms for symbol in (*term.real, *term.fake)]
        return terms + [symbol for penalty in self.penalties for symbol in penalty.made]

    @cached_property
    def passes(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The order in which E and G run: (network, all its inputs in one pass), each made once.

        A network waits until all its inputs are made; where each waits for the other, one goes
        first with those that are.
        """
        asked = self._asked_for
        if any(parsed(symbol)[0] == "E" for symbol in asked):
            # even where no term asks: E's products would be of another size, and round otherwise
            # than in all that was measured
            asked = [*asked, "E(G(z))"]
        waiting = list(dict.fromkeys(part for symbol in asked for part in _parts(symbol)))
        passes: list[tuple[str, tuple[str, ...]]] = []
        while waiting:
            inputs = {network: _inputs(network, waiting) for network in "GE"}
            ready = {
                network: [argument for argument in arguments if argument not in waiting]
                for network, arguments in inputs.items()
            }
            runnable = [network for network in ready if ready[network]]
            complete = [network for network in runnable if ready[network] == inputs[network]]
            network = (complete or runnable)[0]
            passes.append((network, tuple(ready[network])))
            done = {f"{network}({argument})" for argument in ready[network]}
            waiting = [symbol for symbol in waiting if symbol not in done]
        return tuple(passes)


def _parts(symbol: str) -> Iterable[str]:
    """List all applications of E and G within a symbol, the innermost first."""
    network, argument = parsed(symbol)
    if network:
        yield from _parts(argument)
        yield symbol


def _inputs(network: str, waiting: list[str]) -> list[str]:
    """List the inputs of a network in the symbols that wait to be made."""
    return [argument for name, argument in map(parsed, waiting) if name == network]


FAMILY = {
    "bigan": Game((XZ,)),
    "alice": Game((XZ, XX)),
    "alad": Game((XZ, XX, ZZ), spectral=True),
}

# ALAD for tables: E and G take the noise of a row away, and D_xx asks whether they did. The terms
# of the paper, and the loss of a denoising autoencoder (Vincent et al. 2008) at all noise levels
# (Karras et al. 2022). Where terms weigh more, E and G denoise worse (EXPERIMENTS.md)
DENOISING = Penalty("denoising", of=("x", "G(E(x~))"), value=mean_square, weight=1000.0)
XX_DENOISED = Term("xx", ("x", "x"), ("x", "G(E(x~))"), asks="does the row come back from noise?")
DENOISING_GAME = Game((XZ, XX_DENOISED, ZZ), spectral=True, penalties=(DENOISING,), noise=Noise())
DENOISING_FAMILY = {"alad": DENOISING_GAME}  # by method

# The paper's ablation study: with and without spectral normalisation (SN) and D_zz (DL)
ABLATIONS = {
    "baseline": FAMILY["alice"],
    "dl": Game((XZ, XX, ZZ)),
    "sn": Game((XZ, XX), spectral=True),
    "sn+dl": FAMILY["alad"],
}
