"""Verbs about all detectors: which there are, and how they do on the user's own table."""

from dataclasses import asdict
from typing import Annotated

import typer

from alad.cli import options, pictures
from alad.cli.frame import app, print_json, say, silent, stoppable
from alad.cli.options import option, separated, table_argument


@app.command()
def detectors(as_json: options.AsJson = False) -> None:
    """List the detectors, a line each."""
    from alad import catalogue, report

    detectors = catalogue.detectors()
    if as_json:
        print_json([{"name": name, "summary": summary} for name, summary in detectors])
    else:
        width = 2 + max(len(name) for name, _ in detectors)
        report.show(*(f"{name:<{width}}{summary}" for name, summary in detectors))


@app.command()
def compare(
    table: Annotated[
        str,
        table_argument(
            "CSV, TSV, JSON lines, Parquet or Arrow, each also .gz; - reads standard input; or a "
            "folder of pictures, those in good/ normal and those beside it not."
        ),
    ],
    label: Annotated[
        str | None,
        option(metavar="COLUMN", help="Which rows are anomalous; no detector sees it."),
    ] = None,
    normal: options.Normal = None,
    detector: Annotated[
        list[str] | None,
        option(
            help="One of `alad detectors`; may be given again.",
            show_default="all but those that search for every row",
        ),
    ] = None,
    drop: options.Drop = None,
    seed: Annotated[
        int, option(min=0, max=2**32 - 1, help="Of the division and the detectors.")
    ] = 0,
    max_steps: Annotated[
        int | None,
        option(min=0, help="Steps of training, at most.", show_default="each detector's own"),
    ] = None,
    backbone: Annotated[
        str | None,
        option(metavar="NAME", help="What makes features of pictures first, as of `alad fit`."),
    ] = None,
    tile: Annotated[
        int | None,
        option(help="Pixels a side of the tiles that pictures are cut into, as of `alad fit`."),
    ] = None,
    size: options.PictureSize = None,
    strict: options.Strict = False,
    mask: options.Mask = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit detectors on TABLE: their times, how alike they rank and, with labels, how well.

    With --label, or pictures in folders good and bad, they learn from a random half of the normal
    rows and score all others; without labels they learn from all rows and score the same ones.
    """
    from alad import catalogue, report
    from alad.benchmark.compare import compare as compare_detectors
    from alad.benchmark.compare import comparison_tables
    from alad.errors import InputError, located

    for name in detector or ():  # a wrong name is refused before a large table is read
        catalogue.detector_class(name)
    source = pictures.source(table, size, strict, mask=mask, drop=drop)
    chosen = {"max_steps": max_steps, "backbone": backbone, "tile": tile}
    how = {key: value for key, value in chosen.items() if value is not None}
    if source.kind != "images" and (of_pictures := [*{"backbone", "tile"} & how.keys()]):
        flags = " and ".join(f"--{name}" for name in sorted(of_pictures))
        raise InputError(f"{flags}: for pictures, and this is a table; leave out {flags}")
    with stoppable(lambda: "nothing was kept; name fewer detectors"), located(source.place):
        comparison = compare_detectors(
            source,
            detector or (),
            label=label,
            normal=normal or (),
            drop=separated(drop),
            seed=seed,
            say=silent if quiet else say,
            verbose=int(not quiet),
            **how,
        )
    if not quiet:
        pictures.say_skipped(source)
    if as_json:
        print_json(asdict(comparison))
    else:
        report.show(*comparison_tables(comparison))
    if any(outcome.error for outcome in comparison.outcomes):
        raise typer.Exit(1)
