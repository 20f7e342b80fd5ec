"""The libraries that a wheel brings, one for each level of processors; the best that runs here.

All levels add up in the same order and fuse products with sums, so they give the same bits.
"""

from __future__ import annotations

import ctypes
import platform
from dataclasses import dataclass
from pathlib import Path

from alad.native.compiling import BuildError

FOLDER = Path(__file__).parent / "lib"  # in a source checkout there is none
SUFFIX = ".so"  # on every system: ctypes loads a library by its path, whatever its name
PROCESSOR = "processor"  # the library that tells the level of x86-64
NAMES = {"amd64": "x86_64", "arm64": "aarch64"}  # of processors, as systems call them otherwise


@dataclass(frozen=True)
class Level:
    """A set of instructions, with the compiler's name of it.

    version: the x86-64 psABI's number of the level, as `alad_level` in processor.c tells it.
    """

    name: str
    flags: str
    version: int = 0


# the best first; older processors have no fused products, hence other bits: NumPy's or PyTorch's
LEVELS = {
    "x86_64": (Level("avx512", "-march=x86-64-v4", 4), Level("avx2", "-march=x86-64-v3", 3)),
    "aarch64": (Level("neon", ""),),
}


def levels() -> tuple[Level, ...]:
    """List the levels of this kind of processor that libraries were brought for."""
    return tuple(level for level in LEVELS.get(machine(), ()) if path(level.name).exists())


def library(choice: str = "") -> ctypes.CDLL:
    """Load the library of the level named, or of the best that runs here. Raises BuildError."""
    there = levels()
    named = [level for level in there if choice in ("", level.name)]
    if not named:
        names = ", ".join(["compile", "off", *(level.name for level in there)])
        raise BuildError(f"ALAD_NATIVE={choice!r} is not here; choose one of: {names}")
    here = supported()
    fitting = [level for level in named if level.version <= here]
    if not fitting:
        names = " or ".join(level.name for level in reversed(named))
        raise BuildError(
            f"this processor has no {names}; ALAD_NATIVE=compile has a compiler make the C for it"
        )
    try:
        return ctypes.CDLL(str(path(fitting[0].name)))
    except OSError as error:
        raise BuildError(f"the library of the wheel could not be loaded: {error}") from error


def supported() -> int:
    """Tell the highest version of x86-64 that processor and system run; 0 for other processors."""
    told = path(PROCESSOR)
    return int(ctypes.CDLL(str(told)).alad_level()) if told.exists() else 0


def path(name: str) -> Path:
    return FOLDER / (name + SUFFIX)


def machine() -> str:
    """Name the kind of this processor, by the compiler's name."""
    name = platform.machine().lower()
    return NAMES.get(name, name)
