"""Verbs about a model: fit it, say what it is."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from alad.cli import pictures
from alad.cli.frame import (
    SCORES,
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


@app.command()
def fit(
    table: TableOrFolder,
    output: Annotated[Path, option("--output", "-o", metavar="MODEL", help="Folder to write.")],
    detector: Annotated[
        str,
        option(
            help="alad, alice, bigan, anogan, autoencoder, robust-autoencoder, vae, dsebm-r, "
            "dsebm-e, dagmm, isolation-forest, oc-svm, oc-svm-sgd, knn, lof, pca, kernel-pca or "
            "robust-pca."
        ),
    ] = "alad",
    drop: Drop = None,
    contamination: Annotated[
        float | None, option(help="Share of the training rows to flag.", show_default="0.05")
    ] = None,
    scaling: Annotated[
        str | None,
        option(
            help="Of numbers: standard, robust, minmax, quantile, none, …", show_default="standard"
        ),
    ] = None,
    seed: Annotated[
        int, option(min=0, max=2**32 - 1, help="Same seed, same model (on a CPU).")
    ] = 0,
    preset: Annotated[
        str | None, option(help="Tried settings, such as kdd99-paper.", panel=TRAINING)
    ] = None,
    score: Annotated[
        str | None,
        option(
            help=SCORES,
            show_default="the method's own",
            panel=TRAINING,
        ),
    ] = None,
    members: Annotated[
        int | None,
        option(
            help="Copies trained side by side; their mean score counts.",
            show_default="1",
            panel=TRAINING,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        option(
            help="Passes over the rows, at most.",
            show_default="100 of pictures",
            panel=TRAINING,
        ),
    ] = None,
    max_steps: Annotated[
        int | None, option(help="Steps, at most; 0 leaves networks untrained.", panel=TRAINING)
    ] = None,
    engine: Annotated[
        str | None,
        option(
            help="What trains: native (C), torch; of pictures bfloat16 too, faster where the "
            "processor has units for it.",
            show_default="auto",
            panel=TRAINING,
        ),
    ] = None,
    calibration_fraction: Annotated[
        float | None,
        option(
            help="Share of the rows held out for p-values and false-alarm rates.",
            show_default="0.1",
            panel=TRAINING,
        ),
    ] = None,
    size: PictureSize = None,
    strict: Strict = False,
    device: Annotated[
        str | None, option(help="cpu, cuda, or auto.", show_default="cpu", panel=RUNNING)
    ] = None,
    checkpoint: Annotated[
        Path | None,
        option(help="Folder for checkpoints.", show_default="MODEL.checkpoint", panel=RUNNING),
    ] = None,
    checkpoint_seconds: Annotated[
        float | None,
        option(min=0, help="Between two checkpoints.", show_default="60", panel=RUNNING),
    ] = None,
    resume: Annotated[
        bool, option("--resume", help="Go on from the checkpoint.", panel=RUNNING)
    ] = False,
    samples: Annotated[
        Path | None,
        option(
            metavar="FOLDER",
            help="Of pictures: folder for what the generator makes of random codes, a picture "
            "every check.",
            panel=RUNNING,
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Learn what is normal from TABLE, or from a folder of pictures, and write the fitted model.

    Most rows should be normal. Numbers, categories, booleans and missing values are read as they
    are; leave out identifiers, labels, dates and free text with --drop.
    """
    from alad import catalogue

    given = {
        "drop": separated(drop) or None,
        "contamination": contamination,
        "calibration_fraction": calibration_fraction,
        "scaling": scaling,
        "random_state": seed,
        "score_function": score,
        "members": members,
        "epochs": epochs,
        "max_steps": max_steps,
        "device": device,
        "engine": engine,
        "checkpoint_seconds": checkpoint_seconds,
        "samples": None if samples is None else str(samples),
    }
    kept = checkpoint or output.parent / f"{output.absolute().name}.checkpoint"
    running = {"checkpoint": str(kept), "resume": resume, "verbose": int(not quiet)}
    source = pictures.source(table, size, strict, drop=drop, scaling=scaling)
    if preset is None and epochs is None and max_steps is None:
        given |= pictures.usual_length(source, detector)
    preset = preset or pictures.usual_preset(source, detector)
    kind = catalogue.detector_class(detector)
    check_score(kind.name, kind.model.offered(images=pictures.are(source)), score)
    made = _configured(detector, preset, {k: v for k, v in given.items() if v is not None})
    _set_known(made, running)
    if samples is not None:
        _require_samples(samples, source, (output, kept), resume)
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
