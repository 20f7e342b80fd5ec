"""The verb that measures detectors on benchmarks."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from alad.cli import options
from alad.cli.frame import app, print_json, say, silent, stoppable
from alad.cli.options import option
from alad.errors import InputError

# --- bench ----------------------------------------------------------------------------------------


@app.command()
def bench(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME…",
            help="kdd99, arrhythmia, adbench, one-class, cifar10, svhn, mnist, paper or speed.",
        ),
    ],
    protocol: options.Names = None,
    detector: options.Names = None,
    dataset: Annotated[
        list[str] | None, option(help="Tables of adbench or one-class.", show_default="all")
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
    choose: Annotated[
        str | None,
        option(
            metavar="CONTROL",
            help="Of one-class: choose a row on half of the tables, show its lead over this one on "
            "the other half.",
        ),
    ] = None,
    short: Annotated[
        bool, option("--quick", help="A pass of minutes, with results (or a page) of its own.")
    ] = False,
    on: Annotated[
        Literal["ray"] | None,
        option(
            help="Measure the cells as tasks of a Ray cluster.",
            show_default="here, one after the other",
        ),
    ] = None,
    device: options.Device = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure detectors on a benchmark, beside the published numbers.

    `paper` is kdd99 and arrhythmia, the scores and times, and a page of it all in RESULTS/paper,
    with what `cifar10`, `svhn` and `mnist` have measured before: it trains nothing on images.

    `speed` times training and scoring beside plain PyTorch, other packages and the machine's peak.

    What is measured already is not measured again: the same command goes on after an interruption.
    """
    from alad import benchmark
    from alad.benchmark.cells import cells
    from alad.benchmark.rows import quick_name

    chosen: dict[str, Any] = {
        "protocols": protocol or (),
        "detectors": detector or (),
        "datasets": dataset or (),
    }
    how: dict[str, Any] = {"verbose": int(not quiet)} | ({"device": device} if device else {})
    how |= {"runs": runs, "data_dir": data_dir, "say": silent if quiet else say}
    if "paper" in names and (len(names) > 1 or any(chosen.values())):
        raise InputError("paper is a whole: give it alone, without protocol, detector or dataset")
    if "speed" in names and (len(names) > 1 or any(chosen.values()) or runs or device or on):
        raise InputError("speed is a whole: give it alone, with --quick, --show or --results")
    if names == ["speed"]:
        _speed(results, short, only_show, as_json, how["say"])
        return
    session: AbstractContextManager[Any] = nullcontext()
    if on == "ray":
        if "paper" in names:
            raise InputError("--on ray is for cells, and paper times them; leave it out")
        from alad import ray

        how |= {"work": ray.work, "verbose": 0}
        session = ray.session()
    if names == ["paper"]:
        _paper(results, short, only_show, as_json, **how)
        return
    if choose is not None:
        if names != ["one-class"]:
            raise InputError("--choose is for one-class: give it alone")
        _choose(results, choose, as_json, **chosen)
        return
    names = [quick_name(name) for name in names] if short else names
    for name in names:  # a wrong name is refused before the first benchmark is measured
        cells(name, **chosen, runs=runs)
    with stoppable(lambda: "the same command goes on"), session:
        for name in names if not only_show else ():
            benchmark.run(name, results=results, **chosen, **how)
    _show({name: results / f"{name}.jsonl" for name in names}, as_json, **chosen)


def _speed(
    results: Path, short: bool, only_show: bool, as_json: bool, say: Callable[[str], None]
) -> None:
    """Time training and scoring, print the tables, write the page."""
    from alad import report
    from alad.speed import run

    with stoppable(lambda: "start it again, it takes minutes"):
        measured = run.run(results=results, quick=short, only_show=only_show, say=say)
    if as_json:
        print_json({"lines": measured.lines, "page": [str(path) for path in measured.page]})
        return
    report.show(*measured.tables, f"Page: {measured.page[0]}")


def _paper(results: Path, short: bool, only_show: bool, as_json: bool, **how: Any) -> None:
    """Measure the whole paper, print the tables, write the page."""
    from alad import paper, report
    from alad.benchmark.class_rows import class_rows
    from alad.benchmark.class_tables import class_tables
    from alad.benchmark.results import results_tables
    from alad.paper.verdicts import verdicts

    plan = paper.QUICK if short else paper.FULL
    with stoppable(lambda: "the same command goes on"):
        measured = paper.run(plan, results=results, only_show=only_show, **how)
    images = [row for name, lines in measured.images.items() for row in class_rows(lines, name)]
    if as_json:
        content = {
            "rows": [asdict(row) for row in measured.rows],
            "verdicts": [verdict.as_json() for verdict in verdicts(measured.rows)],
            "images": [asdict(row) for row in images if row.auroc],
            "page": [str(path) for path in measured.page],
        }
        print_json(content)
    else:
        tables = (*results_tables(measured.rows), *class_tables(images))
        report.show(*tables, f"Page: {measured.page[1]}")
    if any(note.startswith("failed") for row in measured.rows for note in row.notes):
        raise typer.Exit(1)


def _choose(
    results: Path,
    control: str,
    as_json: bool,
    protocols: Sequence[str],
    detectors: Sequence[str],
    datasets: Sequence[str],
) -> None:
    """Print what a choice among the rows is worth on tables that it was not made on."""
    from alad import report
    from alad.benchmark import ResultsFile
    from alad.benchmark.cells import cells
    from alad.benchmark.yardstick import BENCHMARK, confirmations
    from alad.benchmark.yardstick_tables import confirmation_tables

    cells(BENCHMARK, protocols, (*detectors, control), datasets=datasets)  # refuses wrong names
    lines = ResultsFile(results / f"{BENCHMARK}.jsonl").lines()
    lines = [line for line in lines if not datasets or line.get("dataset") in datasets]
    found = {
        protocol: confirmations(lines, control, protocol, detectors)
        for protocol in protocols or ("random",)
    }
    if as_json:
        print_json(
            {
                protocol: {name: asdict(one) for name, one in by_measure.items()}
                for protocol, by_measure in found.items()
            }
        )
        return
    for protocol, by_measure in found.items():
        report.show(*confirmation_tables(by_measure, protocol))


def _show(
    files: dict[str, Path],
    as_json: bool,
    protocols: Sequence[str],
    detectors: Sequence[str],
    datasets: Sequence[str],
) -> None:
    """Print what the results files hold of the chosen protocols, detectors and tables.

    Exits with status 1 if a cell has failed. Raises InputError for a file that has none of them.
    """
    from alad import report
    from alad.benchmark import ResultsFile
    from alad.benchmark.summary import group_by
    from alad.benchmark.tables import rows_in, tables_of

    # rows of all files, and the errors among what was chosen
    rows: list[Any] = []
    errors: dict[str, None] = {}
    for name, path in files.items():
        lines = ResultsFile(path).lines()
        lines = [line for line in lines if not datasets or line.get("dataset") in datasets]
        groups = [
            group
            for (protocol, detector), group in group_by(lines, "protocol", "detector").items()
            if protocol in (protocols or [protocol]) and detector in (detectors or [detector])
        ]
        if not groups:
            raise InputError(f"nothing of that is measured in {path} yet; leave out --show")
        errors |= dict.fromkeys(error for group in groups for error in group.errors)
        rows += rows_in(lines, name, protocols, detectors)
    if as_json:  # without rows on images that only others have measured
        print_json([asdict(row) for row in rows if getattr(row, "auroc", None) != {}])
    else:
        report.show(*tables_of(rows))
    for error in errors:
        say(f"alad: {error}")
    if errors:
        raise typer.Exit(1)
