"""Pictures where a verb takes a table: a folder, a picture, or a table with image bytes."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from alad.cli.frame import option, say, separated

if TYPE_CHECKING:
    import pyarrow as pa

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


def source(place: str, size: str | None, strict: bool, **of_tables: Any) -> Any:
    """`alad.Pictures`, if that is what lies at `place`; else the place, for a table.

    of_tables: values of options that are for tables alone. InputError if one is given for pictures,
    or `size` or `strict` for a table.
    """
    from alad.data.picture_files import holds_pictures
    from alad.data.pictures import Pictures, size_of
    from alad.errors import InputError

    if not place:
        raise InputError("TABLE has an empty name; name a file, a folder, or - for standard input")
    wanted = None if size is None else size_of(size)
    if place != "-" and holds_pictures(place):
        if meaningless := [f"--{name}" for name, value in of_tables.items() if value]:
            raise InputError(f"{place}: holds pictures; leave out {' and '.join(meaningless)}")
        return Pictures(place, wanted, strict)
    if wanted or strict:
        raise InputError(f"{place}: is no folder of pictures; leave out --size and --strict")
    return place


def are(source: Any) -> bool:
    return not isinstance(source, str) and type(source).__name__ == "Pictures"


def place(source: Any) -> str | None:
    """What to call pictures in messages."""
    return str(source.source) if are(source) else None


def counted(number: int, rows: Any) -> str:
    """ "1 row", "12 images" """
    what = "image" if are(rows) else "row"
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def count(rows: Any) -> int:
    """How many pictures were read, or rows there are."""
    return len(rows.names) if are(rows) else rows.num_rows


def table(source: Any) -> "pa.Table":
    """The names of those that were read, as a column `file`."""
    import pyarrow as pa

    return pa.table({"file": source.names})


def usual_preset(source: Any, detector: str) -> str | None:
    """Settings for pictures, where the detector knows pictures as such."""
    from alad import catalogue

    seen = are(source) and catalogue.detector_class(detector).sees_images
    return "images" if seen else None


def usual_length(source: Any, detector: str) -> dict[str, int]:
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


def say_skipped(source: Any) -> None:
    if not are(source) or not source.skipped:
        return
    reasons = [f"{name} ({why})" for name, why in source.skipped.items()]
    more = f", and {len(reasons) - MOST_NAMED} more" if len(reasons) > MOST_NAMED else ""
    named = ", ".join(reasons[:MOST_NAMED])
    say(f"alad: {len(reasons)} of {len(source)} pictures skipped: {named}{more}")


def read(table: str, drop: list[str] | None, strict: bool) -> tuple[Any, Any, str]:
    """(what was named, its rows or pictures, what to call it in messages)."""
    from alad.data.reading import place_of, read_table

    named = source(table, None, strict, drop=drop)
    if are(named):
        return named, named, place(named) or table
    return named, read_table(named, drop=separated(drop)), place_of(named)
