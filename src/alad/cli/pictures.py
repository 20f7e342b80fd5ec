"""Read what a verb is given: a table, or pictures in a folder, a file, a table with bytes."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.cli.frame import say
from alad.cli.options import separated
from alad.errors import InputError, located

if TYPE_CHECKING:
    from alad.data.source import Source

MOST_NAMED = 5  # of the skipped
NEW = "NEW_PICTURES/"


def source(
    places: str | list[str],
    size: str | None,
    strict: bool,
    *,
    query: str | None = None,
    mask: str | None = None,
    **of_tables: Any,
) -> "Source":
    """Open the rows or pictures at `place`, not yet read.

    of_tables: values of options that are for tables alone. Raises InputError if one is given for
    pictures, or `size` or `strict` for a table.
    """
    from alad.data.database import Query, is_database
    from alad.data.opening import source_of
    from alad.data.pictures import size_of

    place = places[0] if isinstance(places, list) and not places[1:] else places
    if not place or (isinstance(place, list) and "" in place):
        raise InputError("TABLE has an empty name; name a file, a folder, or - for standard input")
    wanted = None if size is None else size_of(size)
    if query is not None:
        if not is_database(place):
            raise InputError("--query is of a database; name it, such as sqlite:///FILE")
        place = Query(str(place), query)
    opened = source_of(place, size=wanted, strict=strict, mask=mask)
    if opened.kind == "images":
        if meaningless := [f"--{name}" for name, value in of_tables.items() if value]:
            raise InputError(
                f"{opened.place}: holds pictures; leave out {' and '.join(meaningless)}"
            )
    elif wanted or strict or mask:
        what = f"{opened.place}: is no folder of pictures"
        raise InputError(f"{what}; leave out --size, --strict and --mask")
    return opened


def read(place: str, drop: list[str] | None, strict: bool, mask: str | None = None) -> "Source":
    """Open the rows or pictures at `place` to be read more than once; drop: columns left out."""
    opened = source(place, None, strict, drop=drop, mask=mask)
    with located(opened.place):
        return opened.without(separated(drop)).held()


def how_to_calibrate(model: Path, of_images: bool) -> str:
    """Write the command line that calibrates a model."""
    more = "MORE_PICTURES/" if of_images else "MORE_NORMAL_ROWS.csv"
    return f"alad calibrate {shlex.quote(str(model))} {more}"


def say_skipped(source: "Source") -> None:
    """Write a line about the pictures that could not be read, if there are any."""
    reasons = [f"{name} ({why})" for name, why in source.skipped.items()]
    if reasons:
        more = f", and {len(reasons) - MOST_NAMED} more" if len(reasons) > MOST_NAMED else ""
        named = ", ".join(reasons[:MOST_NAMED])
        count = len(reasons) + (source.n_rows or 0)
        say(f"alad: {len(reasons)} of {count} pictures skipped: {named}{more}")
