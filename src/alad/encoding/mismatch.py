"""Find the columns of fit in a table, and say so where they are not there, or stored wrongly."""

from collections.abc import Mapping, Sequence
from typing import Any
from warnings import warn

from alad.data.frames import Columns
from alad.data.refusals import listed
from alad.errors import InputError


def matched(
    table: Columns,
    names: Sequence[str],
    named: bool,
    kept: list[int],
    unknown: Sequence[str],
    owner: str,
) -> list[int]:
    """Find the places of the columns of fit in a table, in the order of `kept`.

    names, named: of all columns at fit; kept: the places of those that are used; unknown: columns
    of the table that were not there. Raises InputError if one is missing.
    """
    labels, counted = table.labels, tuple(map(str, range(len(names))))
    if labels is not None and named:
        due = [names[i] for i in kept]
        place = {name: i for i, name in enumerate(labels)}
        if missing := [name for name in due if name not in place]:
            raise of_names(missing, unknown, len(table.names), len(names), owner)
        return [place[name] for name in due]
    if labels is not None and sorted(labels) == sorted(counted):
        return [labels.index(counted[at]) for at in kept]
    if table.named or named:
        warn_of_names(table.named, owner)
    if len(table.names) != len(names):
        wrong = of_width(len(table.names), len(names), owner)
        raise InputError(f"{wrong}; give those of fit, in their order")
    return kept


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
    warn(f"{text}; columns are taken in their order", UserWarning, stacklevel=5)


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
