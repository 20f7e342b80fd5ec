"""The verb for a first look: detectors side by side on a table, or on pictures."""

import shlex
from pathlib import Path
from typing import Annotated

from alad.cli import options
from alad.cli.frame import app, print_json, say, silent, stoppable
from alad.cli.options import option

AGAIN = "start it again, it takes a minute or two"


@app.command()
def demo(
    output: Annotated[
        Path,
        option(
            "--output",
            "-o",
            help="Folder for the model, the rows or pictures, a page and a picture.",
            show_default="alad-demo, alad-demo-pictures",
        ),
    ] = Path("alad-demo"),
    pictures: Annotated[
        bool, option("--pictures", help="Of woven cloth, drawn by the program, not of a table.")
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Train ALAD on benign tumours, find malignant ones, and compare with other detectors.

    With --pictures on cloth without a fault: find scratches, spots and missing parts, and where
    they are.
    """
    from alad import demo, picture_demo, report

    how = {"say": silent if quiet else say, "verbose": int(not quiet)}
    if pictures and output == Path("alad-demo"):
        output = Path("alad-demo-pictures")
    with stoppable(lambda: AGAIN):
        done = picture_demo.run(output, **how) if pictures else demo.run(output, **how)
    if as_json:
        print_json(done.as_json())
        return
    report.show(*done.tables())
    files = {name: shlex.quote(str(path)) for name, path in done.files.items()}
    model, new = files["model"], files["new"]
    normal = files["good" if pictures else "normal"]
    fit = f"alad fit {normal} -o model"
    learn = f"{fit} --backbone texture    # or a folder of yours, of good pictures"
    report.show(
        f"Page to open in a browser: {done.files['page']}",
        *(f"Picture: {path}" for name, path in done.files.items() if name == "picture"),
        "What to type next:",
        f"  alad score {model} {new} -o scored.csv",
        f"  alad report {model} {new} -o report.html",
        f"  alad info {model}",
        f"  {learn}" if pictures else f"  {fit}    # or a table of yours, of normal rows",
    )
