"""What to say where the columns of a table are not those of fit, or stored ones no columns."""

from collections.abc import Mapping, Sequence
from typing import Any
from warnings import warn

from alad.data.refusals import listed
from alad.errors import InputError


def warn_of_unused(unknown: Sequence[str]) -> None:
    """Warn of columns that were not there at fit, such as a label."""
    warn(
        f"columns that were not there at fit are left unused: {listed(unknown)}",
        UserWarning,
        stacklevel=4,
    )


def warn_of_names(named: bool, owner: str) -> None:
    """Warn that a table has names and that of fit had none, or the reverse."""
    has, was = ("has", "without") if named else ("does not have valid", "with")
    text = f"X {has} feature names, but {owner} was fitted {was} feature names"
    warn(f"{text}; columns are taken in their order", UserWarning, stacklevel=4)


def of_width(n: int, due: int, owner: str) -> str:
    """Say that there are n columns and not those that are due, as scikit-learn says it."""
    return f"X has {n} features, but {owner} is expecting {due} features as input"


def of_names(
    missing: Sequence[str], unknown: Sequence[str], n: int, due: int, owner: str
) -> InputError:
    """Say which columns of fit are missing, and which of the n were not there."""
    start = "X has other columns than at fit" if n == due else of_width(n, due, owner)
    parts = [start, f"missing: {listed(missing)}"]
    parts += [f"unknown: {listed(unknown)}"] if unknown else []
    return InputError("; ".join([*parts, "give it all columns of fit"]))


def check_state(state: Mapping[str, Any], used: Sequence[str]) -> None:
    """Raise InputError unless every code, of the columns `used`, has its column."""
    names, kept = state["names"], state["kept"]
    texts = isinstance(names, list) and all(isinstance(name, str) for name in names)
    whole = isinstance(kept, list) and all(type(i) is int for i in kept)
    ordered = texts and whole and sorted({*kept} & {*range(len(names))}) == kept
    if not ordered or not used or [names[i] for i in kept] != list(used):
        raise InputError("the stored columns do not fit together; save it anew")
    if type(state["named"]) is not bool or len(set(names)) < len(names):
        raise InputError("the stored column names are none; save it anew")
