"""Verbs that compare detectors: the benchmarks, and the demo."""

import shlex
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli.frame import (
    AsJson,
    Device,
    Names,
    Quiet,
    app,
    option,
    print_json,
    say,
    silent,
    stoppable,
)
from alad.errors import InputError

if TYPE_CHECKING:
    from alad.benchmark.sheets import Sheet

# --- bench ----------------------------------------------------------------------------------------


@app.command()
def bench(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME…", help="kdd99, arrhythmia, adbench, cifar10, svhn, mnist or paper."
        ),
    ],
    protocol: Names = None,
    detector: Names = None,
    dataset: Annotated[
        list[str] | None, option(help="Tables of adbench.", show_default="all")
    ] = None,
    runs: Annotated[
        int | None,
        option(help="Runs of each row.", show_default="as published, or one a split"),
    ] = None,
    data_dir: Annotated[
        Path | None,
        option(help="Folder of the official files.", show_default="$ALAD_DATA, or downloaded"),
    ] = None,
    results: Annotated[Path, option(help="Folder of NAME.jsonl, a line a run.")] = Path("results"),
    only_show: Annotated[
        bool, option("--show", help="Measure nothing, show what is there.")
    ] = False,
    short: Annotated[
        bool, option("--quick", help="A pass of minutes, with results (or a page) of its own.")
    ] = False,
    device: Device = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure detectors on a benchmark, beside the published numbers.

    `paper` is kdd99 and arrhythmia, the scores and times, and a page of it all in RESULTS/paper,
    with what `cifar10`, `svhn` and `mnist` have measured before: it trains nothing on images.

    What is measured already is not measured again: the same command goes on after an interruption.
    """
    from alad import benchmark
    from alad.benchmark.cells import cells
    from alad.benchmark.rows import quick_name

    chosen: dict[str, Any] = {
        "protocols": protocol or (),
        "detectors": detector or (),
        "datasets": dataset or (),
        "runs": runs,
    }
    how: dict[str, Any] = {"verbose": int(not quiet)} | ({"device": device} if device else {})
    how |= {"data_dir": data_dir, "say": silent if quiet else say}
    if "paper" in names and (len(names) > 1 or protocol or detector or dataset):
        raise InputError("paper is a whole: give it alone, without protocol, detector or dataset")
    if names == ["paper"]:
        _paper(results, short, only_show, as_json, runs=runs, **how)
        return
    if short:
        names = [quick_name(name) for name in names]
    for name in names:  # a wrong name is refused before the first benchmark is measured
        cells(name, **chosen)
    with stoppable(lambda: "the same command goes on"):
        for name in names if not only_show else ():
            benchmark.run(name, results=results, **chosen, **how)
    _show_benchmarks({name: results / f"{name}.jsonl" for name in names}, chosen, as_json)


def _paper(results: Path, short: bool, only_show: bool, as_json: bool, **how: Any) -> None:
    """The whole paper: measure, print the tables, write the page."""
    from alad import paper, report
    from alad.benchmark import terminal
    from alad.benchmark.one_class import class_rows
    from alad.benchmark.one_class_sheets import sheets
    from alad.paper.verdicts import verdicts

    plan = paper.QUICK if short else paper.FULL
    with stoppable(lambda: "the same command goes on"):
        found = paper.run(plan, results=results, only_show=only_show, **how)
    judged = verdicts(found.rows)
    pictures = [row for name, lines in found.images.items() for row in class_rows(lines, name)]
    if as_json:
        rows, page = [asdict(row) for row in found.rows], [str(path) for path in found.page]
        images = [asdict(row) for row in pictures if row.auroc]
        told = {"rows": rows, "verdicts": [asdict(one) for one in judged], "images": images}
        print_json({**told, "page": page})
    else:
        more = sheet_parts(sheets(pictures))
        report.show(*terminal.benchmark_tables(found.rows), *more, f"Page: {found.page[1]}")
    if any(note.startswith("failed") for row in found.rows for note in row.notes):
        raise typer.Exit(1)


def _show_benchmarks(ledgers: dict[str, Path], chosen: dict[str, Any], as_json: bool) -> None:
    """Print what the ledgers hold of the chosen protocols, detectors and tables.

    Exit status 1 if a cell has failed; InputError for a ledger that has nothing of them.
    """
    from alad import benchmark, report
    from alad.benchmark import (
        leaderboard,
        leaderboard_sheets,
        one_class,
        one_class_sheets,
        terminal,
    )

    rows: list[benchmark.TableRow] = []
    standing: list[leaderboard.Standing] = []
    classes: list[one_class.ClassRow] = []
    for name, path in ledgers.items():
        lines = [line for line in benchmark.Ledger(path).lines() if _of_tables(line, chosen)]
        kept = [line for line in lines if _wanted(line["protocol"], line["detector"], chosen)]
        if not kept:
            raise InputError(f"nothing of that is measured in {path} yet; leave out --show")
        rows += benchmark.table(lines, name)
        standing += leaderboard.standings(lines) if name == leaderboard.BENCHMARK else []
        classes += one_class.class_rows(lines, name) if one_class.is_one_class(name) else []
    rows = [row for row in rows if _wanted(row.protocol, row.detector, chosen)]
    standing = [row for row in standing if _wanted(row.protocol, row.row, chosen)]
    classes = [row for row in classes if _wanted(row.protocol, row.detector, chosen)]
    alone = [row for row in rows if row.dataset is None]
    measured = [row for row in classes if row.auroc]
    if as_json:
        print_json([asdict(row) for row in (*alone, *standing, *measured)])
    else:
        more = sheet_parts(
            [*leaderboard_sheets.sheets(standing), *one_class_sheets.sheets(classes)]
        )
        report.show(*terminal.benchmark_tables(alone), *more)
    failed = [note for row in rows for note in row.notes if note.startswith("failed")]
    for note in dict.fromkeys(failed if len(rows) > len(alone) else ()):
        say(f"alad: {note}")
    if failed:
        raise typer.Exit(1)


def _of_tables(line: dict[str, Any], chosen: dict[str, Any]) -> bool:
    return not chosen["datasets"] or line.get("dataset") in chosen["datasets"]


def _wanted(protocol: str, detector: str, chosen: dict[str, Any]) -> bool:
    asked = ((protocol, chosen["protocols"]), (detector, chosen["detectors"]))
    return all(not names or name in names for name, names in asked)


def sheet_parts(sheets: "Iterable[Sheet]") -> list[Any]:
    """What `report.show` prints of sheets: each a table, and its notes below."""
    from alad import report

    parts: list[Any] = []
    for sheet in sheets:
        parts.append(report.plain_table(sheet.heads, sheet.rows, sheet.title))
        parts += [f"  {note}" for note in sheet.notes]
    return parts


# --- demo -----------------------------------------------------------------------------------------


@app.command()
def demo(
    output: Annotated[
        Path, option("--output", "-o", help="Folder for the model, the rows, a page and a picture.")
    ] = Path("alad-demo"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train ALAD on benign tumours, find malignant ones, and compare with other detectors."""
    from alad import demo, report

    with stoppable(lambda: "start it again, it takes less than a minute"):
        found = demo.run(output, say=silent if quiet else say, verbose=int(not quiet))
    if as_json:
        print_json(found.as_json())
        return
    report.show(*found.tables())
    model, normal, new = (
        shlex.quote(str(found.files[name])) for name in ("model", "normal", "new")
    )
    report.show(
        f"Page to open in a browser: {found.files['page']}",
        *(f"Picture: {path}" for name, path in found.files.items() if name == "picture"),
        "What to type next:",
        f"  alad score {model} {new} -o scored.csv",
        f"  alad report {model} {new} -o report.html",
        f"  alad info {model}",
        f"  alad fit {normal} -o model    # or a table of yours, of normal rows",
    )
