"""Read what a verb is given: a table, or pictures in a folder, a file, a table with bytes."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from alad.cli.frame import option, say, separated
from alad.errors import InputError, located

if TYPE_CHECKING:
    from alad.data.source import Source

MOST_NAMED = 5  # of the skipped
MOST_PASSES = 100
NEW = "NEW_PICTURES/"
PictureSize = Annotated[
    str | None,
    option(
        metavar="N or HxW",
        help="Resize pictures.",
        show_default="their own, at most 64",
        panel="Training",
    ),
]
Strict = Annotated[
    bool, option("--strict", help="Stop at a picture that cannot be read, instead of skipping it.")
]


def source(place: str, size: str | None, strict: bool, **of_tables: Any) -> "Source":
    """The rows or pictures at `place`, not yet read.

    of_tables: values of options that are for tables alone. InputError if one is given for pictures,
    or `size` or `strict` for a table.
    """
    from alad.data.opening import source_of
    from alad.data.pictures import size_of

    if not place:
        raise InputError("TABLE has an empty name; name a file, a folder, or - for standard input")
    wanted = None if size is None else size_of(size)
    opened = source_of(place, size=wanted, strict=strict)
    if opened.kind == "images":
        if meaningless := [f"--{name}" for name, value in of_tables.items() if value]:
            raise InputError(f"{place}: holds pictures; leave out {' and '.join(meaningless)}")
    elif wanted or strict:
        raise InputError(f"{place}: is no folder of pictures; leave out --size and --strict")
    return opened


def read(place: str, drop: list[str] | None, strict: bool) -> "Source":
    """The rows or pictures at `place`, to be read more than once, without some columns."""
    opened = source(place, None, strict, drop=drop)
    with located(opened.place):
        return opened.without(separated(drop)).held()


def are(source: "Source") -> bool:
    return source.kind == "images"


def counted(number: int, unit: str) -> str:
    """ "1 row", "12 images" """
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def usual_preset(source: "Source", detector: str) -> str | None:
    """Settings for pictures, where the detector knows pictures as such."""
    from alad import catalogue

    seen = are(source) and catalogue.detector_class(detector).sees_images
    return "images" if seen else None


def usual_length(source: "Source", detector: str) -> dict[str, int]:
    """How long to learn from pictures, where nothing is said: 60 of them need no 2,000 steps.

    100 passes are the most that the paper makes over its images.
    """
    from alad import catalogue, presets

    if usual_preset(source, detector) is None:
        return {}
    usual = catalogue.make(detector, **presets.preset("images", detector)).get_params(deep=False)
    return {"epochs": MOST_PASSES, "max_steps": usual["max_steps"]}


def how_to_calibrate(model: Path, of_images: bool) -> str:
    more = "MORE_PICTURES/" if of_images else "MORE_NORMAL_ROWS.csv"
    return f"alad calibrate {shlex.quote(str(model))} {more}"


def say_skipped(source: "Source") -> None:
    """A line about the pictures that could not be read, if there are any."""
    reasons = [f"{name} ({why})" for name, why in source.skipped.items()]
    if reasons:
        more = f", and {len(reasons) - MOST_NAMED} more" if len(reasons) > MOST_NAMED else ""
        named = ", ".join(reasons[:MOST_NAMED])
        count = len(reasons) + (source.n_rows or 0)
        say(f"alad: {len(reasons)} of {count} pictures skipped: {named}{more}")
