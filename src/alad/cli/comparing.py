"""The verb that sets detectors side by side on the user's own table."""

from dataclasses import asdict
from typing import Annotated

import typer

from alad.cli.frame import (
    AsJson,
    Drop,
    Names,
    Quiet,
    Source,
    app,
    option,
    print_json,
    say,
    separated,
    silent,
    stoppable,
)
from alad.cli.measuring import sheet_parts


@app.command()
def compare(
    table: Source,
    label: Annotated[
        str | None,
        option(metavar="COLUMN", help="Which rows are anomalous; no detector sees it."),
    ] = None,
    normal: Annotated[
        list[str] | None,
        option(metavar="VALUE", help="Labels of normal rows.", show_default="0, false, no, normal"),
    ] = None,
    detector: Names = None,
    drop: Drop = None,
    seed: Annotated[int, option(min=0, help="Of the division and the detectors.")] = 0,
    max_steps: Annotated[
        int | None,
        option(help="Steps of training, at most.", show_default="each detector's own"),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Fit detectors on TABLE: their times, how alike they rank and, with labels, how well.

    With --label they learn from a random half of the normal rows and score all others; without it
    they learn from all rows and score the same ones.
    """
    from alad import comparison, report
    from alad.data.tables import place_of, read_table
    from alad.errors import located

    rows = read_table(table)
    how = {"verbose": int(not quiet)} | ({} if max_steps is None else {"max_steps": max_steps})
    with stoppable(lambda: "nothing was kept; name fewer detectors"), located(place_of(table)):
        found = comparison.compare(
            rows,
            detector or (),
            label=label,
            normal=normal or (),
            drop=separated(drop),
            seed=seed,
            say=silent if quiet else say,
            **how,
        )
    if as_json:
        print_json(asdict(found))
    else:
        report.show(*sheet_parts(found.sheets()))
    if any(outcome.error for outcome in found.outcomes):
        raise typer.Exit(1)
