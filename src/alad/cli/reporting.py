"""The verb that writes a page about a model and what it finds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli import pictures
from alad.cli.deciding import Rule
from alad.cli.frame import Device, Drop, Model, Quiet, app, option, say, separated
from alad.cli.pictures import Strict
from alad.errors import InputError, located

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from alad.detector.contract import Detector


@app.command()
def report(
    model: Model,
    table: Annotated[
        str | None,
        typer.Argument(
            metavar="[TABLE]", help="New rows to score, or a folder; - reads standard input."
        ),
    ] = None,
    output: Annotated[
        Path, option("--output", "-o", metavar="PAGE", help="HTML file to write.")
    ] = Path("report.html"),
    label: Annotated[
        str | None,
        option(metavar="COLUMN", help="Which rows are anomalous; the model does not see it."),
    ] = None,
    normal: Annotated[
        list[str] | None,
        option(metavar="VALUE", help="Labels of normal rows.", show_default="0, false, no, normal"),
    ] = None,
    false_alarm_rate: Annotated[
        float | None,
        option(help="Share of normal rows to flag, at most.", show_default="the model's threshold"),
    ] = None,
    top: Annotated[int, option(min=1, max=2_000, help="Most anomalous rows to show.")] = 200,
    drop: Drop = None,
    strict: Strict = False,
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Write a page about MODEL, and what it finds in TABLE or a folder, to open in a browser.

    One file that loads nothing: training, thresholds, calibration, the most anomalous rows or
    pictures with the reasons for each; with --label also how right the decisions are.
    """
    from alad import catalogue, storage
    from alad.data.reading import place_of
    from alad.report.model.page import model_page, write_model_page

    Rule(false_alarm_rate).check(None)
    _require_page(output)
    if table is None and (label or drop):
        raise InputError("--label and --drop are about a TABLE; name one after the model")
    detector = catalogue.load(model, device=device)
    rows, anomalous = (
        (None, None) if table is None else _read(table, detector, label, normal, drop, strict)
    )
    about = _about(storage.manifest(model, "model"), model)
    with located(place_of(table) if table else model):
        page = model_page(
            detector,
            rows,
            anomalous,
            source=place_of(table) if table else "",
            false_alarm_rate=false_alarm_rate,
            top=top,
            about=about,
        )
    write_model_page(output, page)
    if not quiet:
        pictures.say_skipped(rows)
        say(f"written: {output}")
        if detector.calibration_ is None:
            how = pictures.how_to_calibrate(model, detector.encoder_.unit == "image")
            say(f"not calibrated, so the page has no p-values and no false-alarm rates: {how}")


def _read(
    table: str,
    detector: "Detector",
    label: str | None,
    normal: list[str] | None,
    drop: list[str] | None,
    strict: bool,
) -> "tuple[Any, np.ndarray | None]":
    """The rows that the model is to see, and which are anomalous by their label."""
    from alad import metrics
    from alad.data.reading import place_of

    source, rows, _ = pictures.read(table, drop, strict)
    if label is None:
        return rows, None
    if pictures.are(source):
        raise InputError("pictures in a folder have no labels; leave out --label")
    with located(place_of(table)):
        if label not in rows.column_names:
            raise InputError(f"no column named {label!r} to read labels from")
        seen = _unseen(rows, detector, label)
        return seen, metrics.anomalous(rows[label].to_pylist(), separated(normal))


def _unseen(rows: "pa.Table", detector: "Detector", label: str) -> "pa.Table":
    """The table without its labels, unless the model knows that column and drops it itself."""
    encoder = detector.encoder_.state()
    if label in {code["name"] for code in encoder["codes"]}:
        raise InputError(
            f"the model has learnt from column {label!r}; fit it again with --drop {label}"
        )
    return rows if label in encoder["names"] else rows.drop_columns([label])


def _require_page(output: Path) -> None:
    """Refuse before the long work what could not be written after it."""
    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{output}: a page is HTML; end its name in .html")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise InputError(f"{output}: there is no such folder, or it is one; choose another file")


def _about(manifest: dict[str, Any], model: Path) -> dict[str, str]:
    """Facts of a saved model that the detector itself does not know."""
    versions = ", ".join(f"{name} {which}" for name, which in manifest["versions"].items())
    return {"model": str(model), "saved": manifest["created"], "written with": versions}
