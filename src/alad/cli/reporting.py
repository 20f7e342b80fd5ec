"""The verb that writes a page about a model and what it finds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from alad.cli import options, pictures
from alad.cli.deciding import FlaggingRule
from alad.cli.frame import app, check_file, say
from alad.cli.options import option, separated, table_argument
from alad.errors import InputError, located

if TYPE_CHECKING:
    from alad.data.source import Source
    from alad.detector.fitted import Fitted
    from alad.report.model.page import Labels


@app.command()
def report(
    model: options.Model,
    table: Annotated[
        str | None,
        table_argument("New rows to score, or a folder; - reads standard input.", "[TABLE]"),
    ] = None,
    output: Annotated[
        Path, option("--output", "-o", metavar="PAGE", help="HTML file to write.")
    ] = Path("report.html"),
    label: Annotated[
        str | None,
        option(metavar="COLUMN", help="Which rows are anomalous; the model does not see it."),
    ] = None,
    normal: options.Normal = None,
    false_alarm_rate: Annotated[
        float | None,
        option(help="Share of normal rows to flag, at most.", show_default="the model's threshold"),
    ] = None,
    top: Annotated[int, option(min=1, max=2_000, help="Most anomalous rows to show.")] = 200,
    drop: options.Drop = None,
    strict: options.Strict = False,
    mask: options.Mask = None,
    device: options.Device = None,
    engine: options.ScoringEngine = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a page about MODEL, and what it finds in TABLE or a folder, to open in a browser.

    One file that loads nothing: training, thresholds, calibration, the most anomalous rows or
    pictures with the reasons for each; with --label, or pictures in folders good and bad, also how
    right the decisions are.
    """
    from alad import catalogue, storage
    from alad.report.model.page import model_page, write_model_page

    # refuse what can be refused before the long work
    FlaggingRule(false_alarm_rate).check(None)
    _require_page(output)
    if table is None and (label or drop):
        raise InputError("--label and --drop are about a TABLE; name one after the model")
    detector = catalogue.load(model, device=device, engine=engine)
    source = None if table is None else pictures.read(table, drop, strict, mask)
    # read, score, lay out
    manifest = storage.manifest(model, "model")
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    place = "" if source is None else source.place
    with located(place or model):
        rows, anomalous = _rows(source, detector, label, normal)
        page = model_page(
            detector,
            rows,
            anomalous,
            source=place,
            false_alarm_rate=false_alarm_rate,
            top=top,
            about={"model": str(model), "saved": manifest["created"], "written with": versions},
        )
    write_model_page(output, page)
    if not quiet:
        if source is not None:
            pictures.say_skipped(source)
        say(f"written: {output}")
        if detector.calibration_ is None:
            how = pictures.how_to_calibrate(model, detector.encoder_.unit == "image")
            say(f"not calibrated, so the page has no p-values and no false-alarm rates: {how}")


def _rows(
    source: "Source | None", detector: "Fitted", label: str | None, normal: list[str] | None
) -> "tuple[Any, Labels]":
    """Read the rows that the model is to see, if any, and which of them are labelled anomalous."""
    from alad import metrics
    from alad.data.cells import python_values
    from alad.data.image_source import ImageSource
    from alad.data.picture_labels import LABELLED_BY_FOLDER
    from alad.encoding import TableEncoder

    if source is None:
        return None, None
    if isinstance(source, ImageSource):
        if label is not None:
            raise InputError(f"{source.place}: {LABELLED_BY_FOLDER}")
        source.anomalous(separated(normal))  # refused before the long work
        # asked again once all are read: some may have to be skipped
        return source.content, lambda: source.anomalous(separated(normal))
    rows = source.table()
    if label is None:
        return rows, None
    if label not in rows.column_names:
        raise InputError(f"no column named {label!r} to read labels from")
    encoder = detector.encoder_
    if isinstance(encoder, TableEncoder) and label in encoder.used_names_:
        raise InputError(
            f"the model has learnt from column {label!r}; fit it again with --drop {label}"
        )
    labels = python_values(rows[label])
    return rows.drop_columns([label]), metrics.anomalous(labels, separated(normal))


def _require_page(output: Path) -> None:
    """Refuse before the long work what could not be written after it."""
    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{output}: a page is HTML; end its name in .html")
    check_file(output)
