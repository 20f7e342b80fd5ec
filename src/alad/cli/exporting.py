"""The verb that writes a model as a graph for other runtimes."""

from pathlib import Path
from typing import Annotated

import typer

from alad.cli import options, pictures
from alad.cli.frame import app, check_file, print_json, say
from alad.cli.options import option
from alad.errors import InputError, located


@app.command()
def export(
    model: options.Model,
    output: Annotated[Path, option("--output", "-o", metavar="FILE.onnx", help="File to write.")],
    table: Annotated[
        str | None,
        typer.Option(
            "--rows",
            metavar="TABLE",
            help="Rows, or pictures, to compare on, such as those of a calibration; by default "
            "those that the model keeps.",
        ),
    ] = None,
    mask: options.Mask = None,
    tolerance: Annotated[
        float, option(help="Largest difference of scores, relative to their size.")
    ] = 1e-5,
    engine: options.ScoringEngine = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Write MODEL as an ONNX graph: cells or pixels in, anomaly_score and p_value out.

    ONNX Runtime scores rows with it, alone and in batches, and so does alad; the largest
    difference goes into FILE.certificate.json. Above the tolerance nothing is written.
    """
    from alad import catalogue
    from alad.export.writing import to_onnx

    check_file(output)
    if mask is not None and table is None:
        raise InputError("--mask is of the pictures of --rows; give them, or leave it out")
    detector = catalogue.load(model, engine=engine)
    rows = None if table is None else pictures.source(table, None, strict=False, mask=mask)
    with located(model):
        certificate = to_onnx(detector, output, rows, tolerance=tolerance)
    if as_json:
        print_json(certificate)
    if not quiet:
        found = certificate["largest_difference"]
        compared, unit = sum(certificate["rows"].values()), detector.encoder_.unit
        say(f"{output}: {compared} {unit}s scored by both, largest difference {found:.1e}")
