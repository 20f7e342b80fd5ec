"""Verbs that compare detectors: the benchmarks, and the demo."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

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

# --- bench ----------------------------------------------------------------------------------------


@app.command()
def bench(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="kdd99, arrhythmia.")],
    protocol: Names = None,
    detector: Names = None,
    runs: Annotated[
        int | None, option(help="Runs of each row.", show_default="10, or one a split")
    ] = None,
    data_dir: Annotated[
        Path | None,
        option(help="Folder of the official files.", show_default="$ALAD_DATA, or downloaded"),
    ] = None,
    results: Annotated[Path, option(help="Folder of NAME.jsonl, a line a run.")] = Path("results"),
    only_show: Annotated[
        bool, option("--show", help="Measure nothing, show what is there.")
    ] = False,
    device: Device = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure detectors on a benchmark, beside the published numbers.

    What is measured already is not measured again: the same command goes on after an interruption.
    """
    from alad import benchmark, report
    from alad.benchmark.cells import cells

    chosen: dict[str, Any] = {
        "protocols": protocol or (),
        "detectors": detector or (),
        "runs": runs,
    }
    how: dict[str, Any] = {"verbose": int(not quiet)} | ({"device": device} if device else {})
    for name in names:  # a wrong name is refused before the first benchmark is measured
        cells(name, **chosen)
    rows: list[benchmark.TableRow] = []
    with stoppable(lambda: "the same command goes on"):
        for name in names:
            if not only_show:
                how |= {"data_dir": data_dir, "say": silent if quiet else say}
                benchmark.run(name, results=results, **chosen, **how)
            rows += benchmark.table(benchmark.Ledger(results / f"{name}.jsonl").lines(), name)
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        report.show(*report.benchmark_tables(rows))
    if any(note.startswith("failed") for row in rows for note in row.notes):
        raise typer.Exit(1)


# --- demo -----------------------------------------------------------------------------------------


@app.command()
def demo(
    output: Annotated[
        Path, option("--output", "-o", help="Folder for the model, the rows and a picture.")
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
        *(f"Picture: {path}" for name, path in found.files.items() if name == "picture"),
        "What to type next:",
        f"  alad score {model} {new} -o scored.csv",
        f"  alad info {model}",
        f"  alad fit {normal} -o model    # or a table of yours, of normal rows",
    )
