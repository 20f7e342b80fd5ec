"""The compiled engines: those that came with the wheel, or compiled here.

A wheel brings a library for each level of processors, and nothing is compiled. A source checkout
brings none: there the system's compiler makes one at first use. $ALAD_NATIVE asks for something
else: "compile" for a library made here, for just this processor; the name of a level for the
wheel's library of that level; "off" for none.
"""

from __future__ import annotations

import ctypes
import functools
import os
import warnings

from alad.native import compiling, packaged
from alad.native.compiling import BuildError

__all__ = ["BuildError", "library", "problem", "tell"]

CHOICE = "ALAD_NATIVE"  # environment variable


def library() -> ctypes.CDLL:
    """Load the compiled engines, at the first call. Raises BuildError where there are none."""
    made = _made(os.environ.get(CHOICE, ""), os.environ.get("CC", ""))
    if isinstance(made, BuildError):
        raise BuildError(str(made))
    return made


def problem() -> str | None:
    """Say why there is no library, in one line; None if there is one."""
    try:
        library()
    except BuildError as error:
        return str(error)
    return None


@functools.cache
def tell(reason: str) -> None:
    """Warn, once, that PyTorch and NumPy do what C would do."""
    warnings.warn(f"no engines in C, slower ones do their work: {reason}", stacklevel=2)


@functools.cache
def _made(choice: str, compiler: str) -> ctypes.CDLL | BuildError:
    """Load or make the library once, and remember a failure: a try may take as long as a build."""
    try:
        if choice == "off":
            raise BuildError(f"{CHOICE}=off")
        if choice == "compile" or (not choice and not packaged.levels()):
            return compiling.library(compiler)
        return packaged.library(choice)
    except BuildError as error:
        return error
