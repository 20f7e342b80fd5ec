"""Error messages for columns that cannot be read: the value and the remedy, on one line."""

import shlex
from collections.abc import Callable, Sequence

from alad.errors import InputError

NO_ROWS = "the table is empty: it has column names and no rows; give it some"
NESTED = frozenset({"list", "tuple", "dict", "set", "ndarray", "Object"})  # types of cells
MEND = "correct it, or leave the cell empty"


class TypeInputError(InputError, TypeError):
    """Input of a type that is not read; also a TypeError, as scikit-learn has it."""


def short(text: str) -> str:
    """Quote a text, cut after 40 characters."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def dates_error(name: str, what: str) -> InputError:
    """Make the error for a column of dates or times."""
    cure = "turn them into numbers (hour of day, days since)"
    return refusal(name, f"dates or times ({what})", cure)


def nested_error(name: str, what: str) -> InputError:
    """Make the error for a column whose cells are no single number or text; what: their type."""
    nested = what in NESTED or ("<" in what and not what.startswith("extension"))
    values = "nested values" if nested else "neither numbers nor text"
    values = "bytes" if "binary" in what or "bytes" in what else values
    cure = "flatten it" if nested else "turn it into text or numbers"
    kind = what if len(what) <= 40 else f"{what[:39]}…"
    rule = f"{values} ({kind}), and the argument must be a string or a number"
    return refusal(name, rule, cure, TypeInputError)


def refusal(
    name: str, what: str, cure: str, error: Callable[[str], InputError] = InputError
) -> InputError:
    """Make the error for a column: what it holds, how to mend it, how to leave it out."""
    way_out = f"leave it out: drop=[{name!r}] ({drop_option(name)})"
    return error(f"column {name!r} holds {what}; {cure}, or {way_out}")


def drop_option(name: str) -> str:
    """Write the option that leaves out a column, for a shell; a comma separates names."""
    special = name != name.strip() or any(mark in name for mark in ',"')
    quoted = '"' + name.replace('"', '""') + '"'
    return f"--drop {shlex.quote(quoted if special else name)}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Quote the first few names for a message: 'a', 'b' and 7 more."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
