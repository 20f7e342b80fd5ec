"""What makes the program start in half the time; the library leaves all of this to its users."""

import gc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

OBJECTS = 50_000  # made between two searches for unreachable ones; imports make few of those


def quicken() -> None:
    """Set up this process to load fewer and faster modules; for a program, before its imports."""
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
    if not {"pandas", "pyarrow"} & sys.modules.keys():
        sys.meta_path.insert(0, _ArrowAlone())


class _ArrowAlone:
    """Finds Arrow, and lets it look for pandas while there is none.

    Arrow imports pandas when it makes its first array from a list, to recognise a Series; no verb
    gives it one. What needs pandas later, Arrow's conversion to and from frames too, imports it.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find pyarrow, once, as usual, to be told when it is loaded."""
        if name != "pyarrow":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        loader: Any = None if spec is None else spec.loader
        if loader is not None:
            usual = loader.exec_module

            def load(module: Any) -> None:
                usual(module)
                _look_for_pandas(module)

            loader.exec_module = load
        return spec


class _NoPandas:
    """Finds no pandas."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> None:
        """Raise ModuleNotFoundError for pandas."""
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _look_for_pandas(arrow: Any) -> None:
    """Make Arrow look for pandas, which it does once, and find none."""
    none = _NoPandas()
    sys.meta_path.insert(0, none)
    try:
        arrow.scalar(0)
    finally:
        sys.meta_path.remove(none)
