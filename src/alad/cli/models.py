"""Verbs about a model: fit it, say what it is."""

import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from alad.catalogue import DETECTORS
from alad.cli import options, pictures
from alad.cli.fit_options import with_parameters
from alad.cli.frame import app, counted, print_json, require_empty, say, stoppable, writable
from alad.cli.options import check_score, flag_of, option, separated
from alad.errors import InputError, StorageError, located

if TYPE_CHECKING:
    from alad.data.source import Source
    from alad.detector.contract import Detector

TRAINING, RUNNING = "Training", "Running"  # groups of options in the help of `fit`


# --- fit ------------------------------------------------------------------------------------------


def fit(
    table: options.TablesOrFolder,
    output: Annotated[Path, option("--output", "-o", metavar="MODEL", help="Folder to write.")],
    detector: Annotated[str, option(help=f"{', '.join(DETECTORS)}.")] = "alad",
    query: options.Query = None,
    drop: options.Drop = None,
    seed: Annotated[
        int, option(min=0, max=2**32 - 1, help="Same seed, same model (on a CPU).")
    ] = 0,
    preset: Annotated[
        str | None, option(help="Tried settings, such as kdd99-paper.", panel=TRAINING)
    ] = None,
    size: options.PictureSize = None,
    strict: options.Strict = False,
    mask: options.Mask = None,
    checkpoint: Annotated[
        Path | None,
        option(help="Folder for checkpoints.", show_default="MODEL.checkpoint", panel=RUNNING),
    ] = None,
    resume: Annotated[
        bool, option("--resume", help="Go on from the checkpoint.", panel=RUNNING)
    ] = False,
    on: Annotated[
        Literal["ray"] | None,
        option(
            help="Where members train, each a task: a cluster of Ray, which sees the checkpoint.",
            show_default="here",
            panel=RUNNING,
        ),
    ] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
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
    # the detector: pictures have settings of their own
    backbone = given.get("backbone")
    of_tables = {} if backbone else {"scaling": given.get("scaling")}  # of columns, or features
    source = pictures.source(table, size, strict, query=query, mask=mask, drop=drop, **of_tables)
    pixels = source.kind == "images" and backbone is None
    if preset is None and pixels:
        length = not given.keys() & {"epochs", "max_steps"}
        given = catalogue.settings_for_pictures(detector, length=length) | given
    kind = catalogue.detector_class(detector)
    check_score(kind.name, kind.model.offered(images=pixels), given.get("score_function"))
    made = _configured(detector, preset, given)
    made.set_params(**{k: running[k] for k in running if k in made.get_params(deep=False)})
    if "samples" in given and backbone:
        raise InputError("--samples: a backbone's features are no pictures; leave out --samples")
    if "samples" in given:
        _require_samples(given["samples"], source, (output, kept), resume)
    # all that can be refused has been
    with stoppable(lambda: _how_to_resume(kept)):
        facts = _fitted(made, source, output, kept, on)
    # what became of it, and what to type next
    if as_json:
        print_json(facts)
    if not quiet:
        pictures.say_skipped(source)
        say(f"{_summary(facts['rows'], facts['training'], source.unit)}; the model is in {output}")
        if not facts["training"]["held_out"] and made.calibration_fraction:
            say(_how_to_calibrate(facts["rows"], output, source))
        new = pictures.NEW if source.kind == "images" else "NEW_ROWS.csv"
        say(f"next: alad score {shlex.quote(str(output))} {new} -o scored.csv")


app.command()(with_parameters(fit))


def _summary(rows: int, training: dict[str, Any], unit: str) -> str:
    """Say how many rows were learnt from, watched by the stopping rule, and held out."""
    from alad import report

    words = report.learnt(training, unit)
    comma = "," if "," in words else ""
    message = f"{words}{comma} learnt in {training['seconds']:.1f} s"
    if watched := rows - training["rows"] - training["held_out"]:
        message += f", {watched} watched by the stopping rule"
    return message + (f", {held} held out to calibrate" if (held := training["held_out"]) else "")


def _how_to_calibrate(rows: int, output: Path, source: "Source") -> str:
    """Say how a model is calibrated whose table was too small for its calibration fraction."""
    from alad.detector.rows import LEAST_HELD_OUT
    from alad.parameters import MOST_HELD_OUT

    how = pictures.how_to_calibrate(output, source.kind == "images")
    percent = -(-100 * LEAST_HELD_OUT // rows)  # rounded up
    if percent <= 100 * MOST_HELD_OUT:
        how += f", or fit again with --calibration-fraction {percent / 100}"
    takes = counted(LEAST_HELD_OUT, source.unit)
    return f"not calibrated, which takes {takes} that were not learnt from: {how}"


def _configured(name: str, preset: str | None, given: dict[str, Any]) -> "Detector":
    """Make an unfitted detector with a preset's settings, those given replacing them."""
    from alad import catalogue, presets

    there = catalogue.parameter_names(name)
    if unknown := [flag_of(parameter) for parameter in given if parameter not in there]:
        raise InputError(f"{name} has no {' and no '.join(unknown)}; leave it out")
    params = (presets.preset(preset, name) if preset else {}) | given
    if "epochs" in params:
        params.setdefault("max_steps", None)  # who says how many epochs means all of them
    return catalogue.make(name, **params)


def _fitted(
    detector: "Detector", source: "Source", output: Path, checkpoint: Path, on: str | None
) -> dict[str, Any]:
    """Fit and save, refusing what can be refused before the long work; -> facts for --json."""
    from alad import report, storage

    detector.check_parameters()
    trained_in_steps = "checkpoint" in detector.get_params(deep=False)
    place = _require_place(output, "model")
    if trained_in_steps:
        _require_place(checkpoint, "checkpoint")
    source.use_scratch(place)
    with located(source.place):
        if on == "ray":
            from alad import ray

            with ray.session():
                ray.fit(detector, source)
        else:
            detector.fit(source)
    _save(detector, output, checkpoint)
    if trained_in_steps:
        storage.remove(checkpoint)  # the model has all that it held
    return {
        "model": str(output),
        "detector": detector.name,
        "rows": source.n_rows,
        "columns": detector.n_features_in_,
        "threshold": -detector.offset_,
        "training": report.brief(detector.training_),
    }


def _save(detector: "Detector", output: Path, checkpoint: Path) -> None:
    """Save a model, if its disk is full in the folder for temporary files: no training is lost.

    Raises StorageError that says where it lies, or what is left of the training.
    """
    try:
        detector.save(output)
    except StorageError as error:
        cause = error.__cause__
        reason = f"{output}: {getattr(cause, 'strerror', None) or error}"
        rescue = Path(tempfile.mkdtemp(prefix="alad-")) / output.absolute().name
        try:
            detector.save(rescue)
        except StorageError:
            rescue.parent.rmdir()
            raise StorageError(
                f"{reason}; make room there; {_how_to_resume(checkpoint)}"
            ) from cause
        raise StorageError(f"{reason}; the model was written to {rescue}: move it") from cause


def _require_place(folder: Path, kind: Literal["model", "checkpoint"]) -> Path:
    """Find the nearest folder that exists, `folder` itself or one above it.

    Raises InputError if `folder` holds anything but what is to be replaced, or cannot be written.
    """
    from alad import storage

    storage.check_target(folder, kind)
    return writable(folder)


def _require_samples(
    folder: Path, source: "Source", others: tuple[Path, ...], resumed: bool
) -> None:
    """Raise InputError if pictures of a generator make no sense, or cannot be written there."""
    if not source.kind == "images":
        raise InputError(f"{source.place}: is no folder of pictures; leave out --samples")
    for other in (*others, Path(source.place)):
        if other.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise InputError(f"--samples: {folder} is in {other}; choose a folder of its own")
    if resumed and folder.is_dir():  # those of the steps until then
        writable(folder)
    else:
        require_empty(folder)


def _how_to_resume(checkpoint: Path) -> str:
    """Write the command line that goes on from the checkpoint, if there is one."""
    from alad import storage

    places = [checkpoint, *checkpoint.glob(f"{storage.MEMBER}*")]
    if not any(map(storage.written, places)):
        return "nothing was written"
    again = [word for word in sys.argv[1:] if word != "--resume"]
    return f"to go on: alad {shlex.join([*again, '--resume'])}"


# --- info -----------------------------------------------------------------------------------------


@app.command()
def info(model: options.Model, as_json: options.AsJson = False) -> None:
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
