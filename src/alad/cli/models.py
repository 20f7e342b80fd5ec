"""Verbs about a model: fit it, say what it is."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from alad.catalogue import DETECTORS
from alad.cli import pictures
from alad.cli.fit_options import with_parameters
from alad.cli.frame import (
    AsJson,
    Drop,
    Model,
    Quiet,
    TableOrFolder,
    app,
    check_score,
    flag_of,
    option,
    print_json,
    require_empty,
    say,
    separated,
    stoppable,
    writable,
)
from alad.cli.pictures import PictureSize, Strict
from alad.errors import InputError, located

if TYPE_CHECKING:
    from alad.data.source import Source
    from alad.detector.contract import Detector

TRAINING, RUNNING = "Training", "Running"  # groups of options in the help of `fit`


# --- fit ------------------------------------------------------------------------------------------


def fit(
    table: TableOrFolder,
    output: Annotated[Path, option("--output", "-o", metavar="MODEL", help="Folder to write.")],
    detector: Annotated[str, option(help=f"{', '.join(DETECTORS)}.")] = "alad",
    drop: Drop = None,
    seed: Annotated[
        int, option(min=0, max=2**32 - 1, help="Same seed, same model (on a CPU).")
    ] = 0,
    preset: Annotated[
        str | None, option(help="Tried settings, such as kdd99-paper.", panel=TRAINING)
    ] = None,
    size: PictureSize = None,
    strict: Strict = False,
    checkpoint: Annotated[
        Path | None,
        option(help="Folder for checkpoints.", show_default="MODEL.checkpoint", panel=RUNNING),
    ] = None,
    resume: Annotated[
        bool, option("--resume", help="Go on from the checkpoint.", panel=RUNNING)
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    **parameters: Any,
) -> None:
    """Learn what is normal from TABLE, or from a folder of pictures, and write the fitted model.

    Most rows should be normal. Numbers, categories, booleans and missing values are read as they
    are; leave out identifiers, labels, dates and free text with --drop.
    """
    from alad import catalogue

    parameters |= {"drop": separated(drop) or None, "random_state": seed}
    given = {name: value for name, value in parameters.items() if value is not None}
    kept = checkpoint or output.parent / f"{output.absolute().name}.checkpoint"
    running = {"checkpoint": str(kept), "resume": resume, "verbose": int(not quiet)}
    source = pictures.source(table, size, strict, drop=drop, scaling=given.get("scaling"))
    if preset is None and not given.keys() & {"epochs", "max_steps"}:
        given |= pictures.usual_length(source, detector)
    preset = preset or pictures.usual_preset(source, detector)
    kind = catalogue.detector_class(detector)
    check_score(
        kind.name, kind.model.offered(images=pictures.are(source)), given.get("score_function")
    )
    made = _configured(detector, preset, given)
    _set_known(made, running)
    if "samples" in given:
        _require_samples(given["samples"], source, (output, kept), resume)
    with stoppable(lambda: _how_to_resume(kept)):
        facts = _fitted(made, source, output, kept)
    if as_json:
        print_json(facts)
    if not quiet:
        pictures.say_skipped(source)
        say(f"{_told(facts['rows'], facts['training'], source.unit)}; the model is in {output}")
        if not facts["training"]["held_out"] and made.calibration_fraction:
            say(_how_to_calibrate(facts["rows"], output, source))
        new = pictures.NEW if pictures.are(source) else "NEW_ROWS.csv"
        say(f"next: alad score {shlex.quote(str(output))} {new} -o scored.csv")


app.command()(with_parameters(fit))


def _told(rows: int, training: dict[str, Any], unit: str) -> str:
    """What became of the rows."""
    told = f"{pictures.counted(training['rows'], unit)} learnt in {training['seconds']:.1f} s"
    if watched := rows - training["rows"] - training["held_out"]:
        told += f", {watched} watched by the stopping rule"
    return told + (f", {held} held out to calibrate" if (held := training["held_out"]) else "")


def _how_to_calibrate(rows: int, output: Path, source: "Source") -> str:
    """For a table that was too small for its calibration fraction."""
    from alad.detector.contract import LEAST_HELD_OUT
    from alad.parameters import MOST_HELD_OUT

    how = pictures.how_to_calibrate(output, pictures.are(source))
    percent = -(-100 * LEAST_HELD_OUT // rows)  # rounded up
    if percent <= 100 * MOST_HELD_OUT:
        how += f", or fit again with --calibration-fraction {percent / 100}"
    takes = pictures.counted(LEAST_HELD_OUT, source.unit)
    return f"not calibrated, which takes {takes} that were not learnt from: {how}"


def _configured(name: str, preset: str | None, given: dict[str, Any]) -> "Detector":
    """An unfitted detector with a preset's settings, those given replacing them."""
    from alad import catalogue, presets

    known = catalogue.parameter_names(name)
    if unknown := [flag_of(parameter) for parameter in given if parameter not in known]:
        raise InputError(f"{name} has no {' and no '.join(unknown)}; leave it out")
    params = (presets.preset(preset, name) if preset else {}) | given
    if "epochs" in params:
        params.setdefault("max_steps", None)  # who says how many epochs means all of them
    return catalogue.make(name, **params)


def _set_known(detector: "Detector", params: dict[str, Any]) -> None:
    """Set those parameters that the detector has: not every one is trained step by step."""
    known = detector.get_params(deep=False)
    detector.set_params(**{name: value for name, value in params.items() if name in known})


def _fitted(
    detector: "Detector", source: "Source", output: Path, checkpoint: Path
) -> dict[str, Any]:
    """Fit and save; what can be refused is refused before the long work. -> facts for --json"""
    from alad import report
    from alad.data.source import ImageSource

    detector.check_parameters()
    trained_in_steps = "checkpoint" in detector.get_params(deep=False)
    place = _require_place(output, "model")
    if trained_in_steps:
        _require_place(checkpoint, "checkpoint")
    if isinstance(source, ImageSource):
        source.use_scratch(place)
    with located(source.place):
        detector.fit(source)
    detector.save(output)
    if trained_in_steps:
        shutil.rmtree(checkpoint, ignore_errors=True)  # the model has all that it held
    return {
        "model": str(output),
        "detector": detector.name,
        "rows": source.n_rows,
        "columns": detector.n_features_in_,
        "threshold": -detector.offset_,
        "training": report.brief(detector.training_),
    }


def _require_place(folder: Path, kind: Literal["model", "checkpoint"]) -> Path:
    """InputError if `folder` holds anything but what we would replace, or cannot be written.

    -> the folder nearest to it that is there.
    """
    from alad import storage

    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        try:
            storage.manifest(folder, kind)
        except InputError as error:
            reason = f"{folder} exists and is no {kind} that could be replaced"
            raise InputError(f"{reason}; remove it or choose another folder") from error
    return writable(folder)


def _require_samples(
    folder: Path, source: "Source", others: tuple[Path, ...], resumed: bool
) -> None:
    """InputError if pictures of a generator make no sense, or cannot be written there."""
    if not pictures.are(source):
        raise InputError(f"{source.place}: is no folder of pictures; leave out --samples")
    for other in (*others, Path(source.place)):
        if other.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise InputError(f"--samples: {folder} is in {other}; choose a folder of its own")
    if resumed and folder.is_dir():  # those of the steps until then
        writable(folder)
    else:
        require_empty(folder)


def _how_to_resume(checkpoint: Path) -> str:
    if not checkpoint.exists():
        return "nothing was written"
    again = [word for word in sys.argv[1:] if word != "--resume"]
    return f"to go on: alad {shlex.join([*again, '--resume'])}"


# --- info -----------------------------------------------------------------------------------------


@app.command()
def info(model: Model, as_json: AsJson = False) -> None:
    """Say what a model is: its detector, settings, columns and training."""
    from alad import report, storage

    stored = storage.manifest(model, "model")
    if as_json:
        print_json(stored)
        return
    try:
        shown = report.model_tables(stored)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{model} is not what any alad has written; save it anew") from error
    report.show(*shown)
