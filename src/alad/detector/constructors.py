"""Parameters that constructors hand on, as `**common`, and signatures that show them."""

import inspect
from typing import Any, TypedDict


class Common(TypedDict, total=False):
    """What the constructor of every detector takes, for editors that complete a call."""

    scaling: str
    drop: Any
    contamination: float
    calibration_fraction: float
    random_state: Any


def show_what_is_handed_on(cls: type) -> None:
    """Let the signature of the class's own constructor, if any, name what `**common` hides.

    scikit-learn reads the names of the parameters there, for `get_params`, `clone` and `repr`.
    """
    if "__init__" in vars(cls):
        cls.__init__.__signature__ = _whole_signature(cls)  # pyright: ignore


def _whole_signature(cls: type) -> inspect.Signature:
    """That of the constructor of `cls`, with `**common` replaced by what it is handed on to."""
    own = inspect.signature(cls.__init__).parameters
    handed_on = inspect.signature(super(cls, cls).__init__).parameters  # pyright: ignore
    named = {k: p for k, p in own.items() if p.kind is not inspect.Parameter.VAR_KEYWORD}
    if len(named) < len(own):
        named |= {k: p for k, p in handed_on.items() if k not in named}
    return inspect.Signature(list(named.values()))
