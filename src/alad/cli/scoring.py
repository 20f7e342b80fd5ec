"""The verb that scores new rows with a model."""

from typing import Annotated

from alad.cli import options, pictures
from alad.cli.deciding import Confidence, FalseAlarmRate, Fdr, FlaggingRule, warn_of_drift
from alad.cli.frame import app, check_output, counted, print_json, say
from alad.cli.options import SCORES_HELP, check_score, option, separated
from alad.errors import InputError, located


@app.command()
def score(
    model: options.Model,
    table: options.TableOrFolder,
    output: Annotated[
        str,
        option("--output", "-o", metavar="OUT", help="File to write; the suffix is its format."),
    ] = "-",
    score: Annotated[
        str | None,
        option(help=f"Another score of the same networks, nothing is flagged then: {SCORES_HELP}"),
    ] = None,
    false_alarm_rate: FalseAlarmRate = None,
    confidence: Confidence = None,
    fdr: Fdr = None,
    drop: options.Drop = None,
    strict: options.Strict = False,
    device: options.Device = None,
    engine: options.ScoringEngine = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
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
    # refuse what can be refused before the long work
    rule = FlaggingRule(false_alarm_rate, confidence, fdr)
    rule.check(score)
    check_output(output, table)
    detector = catalogue.load(model, device=device, engine=engine)
    threshold = rule.threshold(detector)
    source = pictures.source(table, None, strict, drop=drop)
    check_score(detector.name, detector.score_names(), score)
    # score
    with located(source.place):
        rows = source.held()
        seen = rows.without(separated(drop))
        if score is None:
            added = rule.columns(detector, seen)
        else:
            added = {"anomaly_score": detector.score_as(seen, score)}
        whole = writing.with_columns(rows.table(), added)
    writing.write_table(whole, output)
    # report
    facts = {"output": output, "rows": whole.num_rows, "threshold": threshold}
    flagged = int(added["is_anomaly"].sum()) if "is_anomaly" in added else None
    if as_json:
        print_json({**facts, "flagged": flagged})
    if score is None:
        warn_of_drift(detector, added["anomaly_score"])
    if not quiet:
        pictures.say_skipped(rows)
        result = "" if flagged is None else f", {rule.summary(detector, whole.num_rows, flagged)}"
        say(f"{counted(whole.num_rows, rows.unit)} scored{result}")
