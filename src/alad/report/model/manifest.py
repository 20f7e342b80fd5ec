"""A saved model's manifest as tables: the model, its settings, its training, its columns."""

from collections.abc import Mapping
from typing import Any

from alad.detector.calibration import provenance
from alad.report.tables import Table

DRAWN = ("history", "scores")  # entries of `training_`


def model_tables(stored: Mapping[str, Any]) -> list[Table]:
    """Make four tables of a saved model's manifest. Raises TypeError for names that are no text."""
    content, arrays = stored["content"], stored["arrays"]
    about = {
        "detector": content["detector"],
        "saved": stored["created"],
        "threshold": f"{-content['offset']:.6g} (flagged from this anomaly_score on)",
        "calibration": _calibration(content),
        "learnt from": learnt(content["training"], _unit(content)),
        "weights": arrays["file"],
        "written with": ", ".join(f"{name} {which}" for name, which in stored["versions"].items()),
    }
    # settings that are set, and of the others their names alone
    settings = {name: at for name, at in content["params"].items() if at not in (None, [], "")}
    unset = ", ".join(name for name in content["params"] if name not in settings)
    tables = [
        _facts("Model", about),
        _facts("Settings", settings | ({"not set": unset} if unset else {})),
        _facts("Training", {k: v for k, v in brief(content["training"]).items() if v is not None}),
        _columns(content["encoder"]),
    ]
    if not all(isinstance(text, str) for table in tables for row in table.texts() for text in row):
        raise TypeError("a name in the manifest is no text")
    return tables


def learnt(training: Mapping[str, Any], unit: str) -> str:
    """Say how many rows were learnt from, and where a sample or a short training has not met all.

    training: as `training_`; unit: "row" or "image".
    """
    rows, steps, batch = training["rows"], training.get("steps"), training.get("batch")
    given = f"{rows} {unit}" if rows == 1 else f"{rows} {unit}s"
    # of an image that is cut into rows, those are what batches are made of
    if parts := next((name for name in ("patches", "tiles") if name in training), None):
        rows = training[parts]
        given = f"{rows} {parts} of {given}"
    if (used := training.get("rows_used", rows)) < rows:
        return f"{used} of {given}, drawn at random"
    if steps is None or batch is None or steps * batch >= rows:
        return given
    return f"{steps} batches of {batch}, at most {100 * steps * batch / rows:.2g} % of {given}"


def brief(training: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of `training_` the long lists that pages draw."""
    return {name: value for name, value in training.items() if name not in DRAWN}


def column_facts(code: Mapping[str, Any] | None) -> tuple[str, str]:
    """Describe a column: what it is read as, and its levels and missing values."""
    if code is None:
        return "dropped", ""
    levels = f"{len(code['levels'])} levels" if "levels" in code else ""
    constant = "constant" if code.get("constant") is not None else ""
    missing = "missing values seen" if code["missing"] else ""
    return code["kind"], ", ".join(filter(None, (levels, constant, missing)))


def _calibration(content: Mapping[str, Any]) -> str:
    """Say on how many rows it is calibrated, and where they come from."""
    facts = content.get("calibration")
    if not facts:
        return "none, so no p-values and no false-alarm rates: alad calibrate --help"
    count = f"{facts['rows']:,} {_unit(content)}s " if "rows" in facts else ""
    text = count + provenance(*(facts.get(name, "") for name in ("origin", "source", "made")))
    seen = facts.get("left_out")
    return f"{text}; {seen:,} more equal some learnt from, and are left out" if seen else text


def _unit(content: Mapping[str, Any]) -> str:
    return "image" if content["encoder"].get("kind") in ("images", "features") else "row"


def _facts(title: str, facts: Mapping[str, Any]) -> Table:
    return Table(title, ("", ""), [(name, str(at)) for name, at in facts.items()], left=(0, 1))


def _columns(encoder: Mapping[str, Any]) -> Table:
    """List the columns of the training table with what they are read as; of images their shape."""
    if encoder.get("kind") == "images":
        pixels = (" × ".join(map(str, encoder["shape"])), encoder["pixel"])
        return Table("Images", ("height × width × channels", "pixel"), [pixels], left=(0, 1))
    if (backbone := encoder.get("backbone")) is not None:
        name = backbone.get("name") or f"{backbone['callable']}, a function"
        weights = backbone.get("sha256", "")
        row = (name, " × ".join(map(str, encoder["shape"])), weights)
        return Table("Backbone", ("", "features of an image", "SHA-256"), [row], left=(0, 1, 2))
    read = {code["name"]: code for code in encoder["codes"]}
    rows = [(name, *column_facts(read.get(name))) for name in encoder["names"]]
    return Table(f"Columns ({len(rows)})", ("column", "read as", "detail"), rows, left=(0, 1, 2))
