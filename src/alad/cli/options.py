"""Options and arguments that several verbs have, and what is read out of them."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from alad.errors import InputError

SCORES_HELP = (
    "features, logits, l1, l2, whitened, joint, features-row, joint-neighbours, projected, "
    "joint-projected, joint-projected-neighbours or egbad of alad, alice, bigan; "
    "anogan, residual, discrimination or logits of anogan; l2 or l1 of the autoencoders; "
    "probability, bound or l2 of vae; energy or reconstruction of dsebm-r and dsebm-e; energy or "
    "l2 of dagmm."
)


def option(*flags: str, panel: str | None = None, **how: Any) -> Any:
    """Declare an option; panel: the group of the help that it stands in."""
    return typer.Option(*flags, rich_help_panel=panel, **how)


def table_argument(help: str, metavar: str = "TABLE") -> Any:
    """Declare the argument that names a table."""
    return typer.Argument(metavar=metavar, help=help)


Quiet = Annotated[bool, option("--quiet", "-q", help="No messages, no progress.")]
AsJson = Annotated[bool, option("--json", help="Print what was found as JSON on stdout.")]
Device = Annotated[str | None, option(help="cpu, cuda, or auto.", show_default="cpu")]
ScoringEngine = Annotated[
    str | None,
    option(
        "--engine",
        help="What runs the networks: c, torch, numpy, or auto, which is C where it can be had.",
        show_default="as it was fitted",
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a fitted model.")]
TablesOrFolder = Annotated[
    list[str],
    table_argument(
        "CSV, TSV, JSON lines, Parquet or Arrow, each also .gz; several, a pattern in quotes, a "
        "folder of them, a URL such as s3://; - reads standard input; or pictures, a folder of "
        "them."
    ),
]
Query = Annotated[
    str | None,
    option(
        metavar="SQL",
        help="Rows of a query; TABLE is sqlite:///FILE, duckdb:///FILE or postgresql://…",
        show_default=False,
    ),
]
Drop = Annotated[
    list[str] | None,
    option(
        metavar="NAME,…",
        help="Columns that the detector is not to see; quote a comma in a name: '\"a, b\",c'.",
        show_default=False,
    ),
]
Normal = Annotated[
    list[str] | None,
    option(
        metavar="VALUE",
        help="Labels of normal rows, or names of folders of normal pictures.",
        show_default="0, false, no, normal; good, normal, ok",
    ),
]
Names = Annotated[list[str] | None, typer.Option(show_default="all")]
PictureSize = Annotated[
    str | None,
    option(
        metavar="N or HxW",
        help="Resize pictures.",
        show_default="their own, at most 64",
        panel="Training",
    ),
]
Mask = Annotated[
    str | None,
    option(
        metavar="MASK",
        help="Picture, or folder of pictures of the same names: white where pixels count.",
        show_default=False,
    ),
]
Strict = Annotated[
    bool, option("--strict", help="Stop at a picture that cannot be read, instead of skipping it.")
]


def check_score(name: str, names: tuple[str, ...], score: str | None) -> None:
    """Raise InputError, naming the option, unless it is among the detector's scores, or None."""
    if score is not None and not names:
        raise InputError(f"--score: {name} has no scores to choose from; leave it out")
    if score is not None and score not in names:
        raise InputError(f"--score is {score!r}; of {name} choose one of: {', '.join(names)}")


def flag_of(parameter: str) -> str:
    """Name the option of `alad fit` that sets a parameter of the detector."""
    return "--" + parameter.replace("score_function", "score").replace("_", "-")


def separated(names: list[str] | None) -> tuple[str, ...]:
    """Split ["id,label", "date"] into ("id", "label", "date"); quotes keep a name's comma."""
    parts = csv.reader(names or (), skipinitialspace=True)
    return tuple(name for part in parts for name in part if name)
