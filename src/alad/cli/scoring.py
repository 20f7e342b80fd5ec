"""The verb that scores new rows with a model."""

from typing import TYPE_CHECKING, Annotated, Any

from alad.cli import pictures
from alad.cli.deciding import Confidence, FalseAlarmRate, Fdr, Rule, warn_of_drift
from alad.cli.frame import (
    SCORES,
    AsJson,
    Device,
    Drop,
    Model,
    Quiet,
    TableOrFolder,
    app,
    check_output,
    check_score,
    option,
    print_json,
    say,
    separated,
)
from alad.cli.pictures import Strict
from alad.errors import InputError, located

if TYPE_CHECKING:
    import numpy as np

    from alad.detector.fitted import Fitted


@app.command()
def score(
    model: Model,
    table: TableOrFolder,
    output: Annotated[
        str,
        option("--output", "-o", metavar="OUT", help="File to write; the suffix is its format."),
    ] = "-",
    score: Annotated[
        str | None,
        option(help=f"Another score of the same networks, nothing is flagged then: {SCORES}"),
    ] = None,
    false_alarm_rate: FalseAlarmRate = None,
    confidence: Confidence = None,
    fdr: Fdr = None,
    drop: Drop = None,
    strict: Strict = False,
    device: Device = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score the rows of TABLE: its columns, then anomaly_score and is_anomaly.

    Of a folder of pictures: the file's name, then the same.

    anomaly_score is larger for more anomalous rows. is_anomaly is true from the score on
    above which the model's contamination share of rows like those given to fit lies; with
    --false-alarm-rate or --fdr by the p-values of a calibrated model, which are added.
    """
    from alad import catalogue
    from alad.data import writing

    if as_json and output == writing.STREAM:
        raise InputError(
            "--json and the scored rows both want standard output; name a file with -o"
        )
    rule = Rule(false_alarm_rate, confidence, fdr)
    rule.check(score)
    check_output(output, table)
    detector = catalogue.load(model, device=device)
    threshold = rule.threshold(detector)
    source = pictures.source(table, None, strict, drop=drop)
    check_score(detector.name, detector.score_names(), score)
    with located(source.place):
        rows = source.held()
        added = _scores(detector, rows.without(separated(drop)), score, rule)
        whole = writing.with_columns(rows.table(), added)
    writing.write_table(whole, output)
    facts = {"output": output, "rows": whole.num_rows, "threshold": threshold}
    flagged = int(added["is_anomaly"].sum()) if "is_anomaly" in added else None
    if as_json:
        print_json({**facts, "flagged": flagged})
    if score is None:
        warn_of_drift(detector, added["anomaly_score"])
    if not quiet:
        pictures.say_skipped(rows)
        result = "" if flagged is None else f", {rule.told(detector, whole.num_rows, flagged)}"
        say(f"{pictures.counted(whole.num_rows, rows.unit)} scored{result}")


def _scores(detector: "Fitted", rows: Any, name: str | None, rule: Rule) -> "dict[str, np.ndarray]":
    """The columns to add."""
    if name is None:
        return rule.columns(detector, rows)
    return {"anomaly_score": detector.score_as(rows, name)}
