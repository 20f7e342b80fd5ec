"""The verb that says why: which columns of a row, which pixels of a picture raised its score."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from alad.cli import options, pictures
from alad.cli.frame import app, check_output, counted, require_empty, say
from alad.cli.options import option, table_argument
from alad.errors import InputError, located

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from alad.data.source import Source
    from alad.detector.attribution import Explanation
    from alad.detector.fitted import Fitted
    from alad.detector.heat_maps import HeatMaps

HEAT = "heat.csv"
WRITTEN = (  # columns about a row of a table and one of its columns
    "row",
    "anomaly_score",
    "reference_score",
    "column",
    "value",
    "expected",
    "contribution",
)


@app.command()
def explain(
    model: options.Model,
    table: Annotated[
        str,
        table_argument("Rows to explain, or a folder; - reads standard input."),
    ],
    output: Annotated[
        str,
        option(
            "--output",
            "-o",
            metavar="OUT",
            help="File to write, its suffix is its format; of pictures a folder.",
        ),
    ] = "-",
    top: Annotated[int, option(min=1, help="So many rows, the most anomalous ones.")] = 20,
    columns: Annotated[
        int | None,
        option(
            min=1,
            help="So many columns a row, the weightiest that differ from what is expected.",
            show_default="all",
        ),
    ] = None,
    drop: options.Drop = None,
    strict: options.Strict = False,
    mask: options.Mask = None,
    device: options.Device = None,
    engine: options.ScoringEngine = None,
    quiet: options.Quiet = False,
) -> None:
    """Say what made the most anomalous rows of TABLE, or pictures of a folder, odd.

    Of a table: a line a row and column, with the row's number (from 1) and score, a column, its
    value, the value that the model expects, and the contribution; after the number what the table
    holds beside the model's columns, such as an identifier. Of pictures: a heat map each, as
    a PNG in the folder OUT, and heat.csv. Contributions, or the heat of all pixels, add up to the
    score minus that of what is expected (reference_score).
    """
    import numpy as np

    from alad import catalogue
    from alad.data import writing
    from alad.detector.attribution import Explanation

    # refuse what cannot be written before the long work
    rows = pictures.read(table, drop, strict, mask)
    _require_target(output, table, columns, of_pictures=rows.kind == "images")
    detector = catalogue.load(model, device=device, engine=engine)
    with located(rows.place):
        carried = _carried(detector, rows)
        scores = detector.anomaly_score(rows)
        chosen = np.argsort(-scores, kind="stable")[:top]
        explanation = detector.explain(rows.taken(chosen), progress=not quiet)
        if isinstance(explanation, Explanation):
            beside = rows.table().select(carried).take(chosen)
            writing.write_table(_lines(explanation, chosen, columns, beside), output)
        else:
            _write_maps(detector, explanation, [rows.names[at] for at in chosen], Path(output))
    if not quiet:
        pictures.say_skipped(rows)
        of = counted(len(scores), rows.unit)
        say(f"{len(chosen)} of {of} explained, the most anomalous first")


def _require_target(output: str, table: str, columns: int | None, *, of_pictures: bool) -> None:
    """Refuse before the long work what could not be written after it."""
    if not of_pictures:
        check_output(output, table)
        return
    if columns is not None:
        raise InputError("pictures have no columns; leave out --columns")
    folder = Path(output)
    if output == "-" or (folder.exists() and not folder.is_dir()):
        raise InputError("of pictures there is a heat map each; name a folder for them with -o")
    require_empty(folder)


# --- rows -----------------------------------------------------------------------------------------


def _carried(detector: "Fitted", rows: "Source") -> list[str]:
    """List the columns of a table that the model does not read, to tell rows apart by.

    Raises InputError if one has the name of a column that is written.
    """
    from alad.data.refusals import listed
    from alad.encoding import TableEncoder

    encoder = detector.encoder_
    names = encoder.unread(rows.names) if isinstance(encoder, TableEncoder) else []
    if taken := [name for name in names if name in WRITTEN]:
        raise InputError(f"there would be two columns {listed(taken)}; leave out yours with --drop")
    return names


def _lines(
    explanation: "Explanation", chosen: "np.ndarray", columns: int | None, beside: "pa.Table"
) -> "pa.Table":
    """List each explained row's columns, the weightiest first.

    chosen: the rows' numbers [n]; beside: cells [n] that are written with each line of a row.
    """
    import pyarrow as pa

    whole = len(explanation.columns)
    places = [
        (row, at)
        for row in range(len(chosen))
        # all lines of a row add up to its score; of some only those that say something
        for at in (explanation.reasons(row, columns) if columns else explanation.worst(row, whole))
    ]
    written = {
        "row": [int(chosen[row]) + 1 for row, _ in places],
        "anomaly_score": [float(explanation.score[row]) for row, _ in places],
        "reference_score": [float(explanation.reference_score[row]) for row, _ in places],
        "column": [explanation.columns[at] for _, at in places],
        "value": [_text(explanation.values[row][at]) for row, at in places],
        "expected": [_text(explanation.expected[row][at]) for row, at in places],
        "contribution": [float(explanation.contributions[row, at]) for row, at in places],
    }
    table = pa.table({name: written[name] for name in WRITTEN})
    for at, name in enumerate(beside.column_names):
        cells = beside[name].take([row for row, _ in places])
        table = table.add_column(1 + at, name, cells)
    return table


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text.lower() if isinstance(value, bool) else text


# --- pictures -------------------------------------------------------------------------------------


def _write_maps(detector: Any, maps: "HeatMaps", names: list[str], folder: Path) -> None:
    """Write a PNG for each explained picture, numbered from the most anomalous, and heat.csv."""
    import pyarrow as pa

    from alad.data import writing
    from alad.data.png import png
    from alad.encoding import image_scaler
    from alad.report.model import anomalous_images as pixels

    images = pixels.shown(image_scaler(detector.encoder_), maps.images)
    files = [f"{at + 1:03d}-{_file_name(name)}.png" for at, name in enumerate(names)]
    most = pixels.full_heat(maps, -detector.offset_)
    folder.mkdir(parents=True, exist_ok=True)
    for at, file in enumerate(files):
        picture = pixels.overlay(images[at], maps.heat[at], most)
        (folder / file).write_bytes(png(pixels.enlarged(picture)))
    hottest = [maps.hottest(at) for at in range(len(names))]
    columns = {
        "file": names,
        "anomaly_score": maps.score,
        "reference_score": maps.reference_score,
        "hottest_row": [row + 1 for row, _ in hottest],
        "hottest_column": [column + 1 for _, column in hottest],
        "heat_map": files,
    }
    writing.write_table(pa.table(columns), folder / HEAT)


def _file_name(name: str) -> str:
    """Turn the name of a picture below its folder into a part of a file's name."""
    kept = "".join(c if c.isalnum() or c in "-." else "_" for c in Path(name).stem)
    parent = "_".join(Path(name).parent.parts)
    return f"{parent}_{kept}"[-80:] if parent else kept[-80:]
