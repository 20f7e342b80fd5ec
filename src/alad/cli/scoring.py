"""The verb that scores new rows with a model."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING, Annotated, Literal

from alad.cli import options, pictures
from alad.cli.deciding import Confidence, FalseAlarmRate, Fdr, Flagging, FlaggingRule
from alad.cli.frame import app, check_output, counted, print_json, say, stoppable
from alad.cli.options import SCORES_HELP, check_score, option, separated
from alad.errors import InputError, located
from alad.progress import SILENT_SECONDS, Progress

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from alad.data.source import Source
    from alad.detector.fitted import Fitted
    from alad.detector.scoring import Work


@app.command()
def score(
    model: options.Model,
    table: options.TablesOrFolder,
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
    query: options.Query = None,
    into: Annotated[
        str | None,
        option(metavar="NAME", help="Table of the same database to make of the scored rows."),
    ] = None,
    drop: options.Drop = None,
    on: Annotated[
        Literal["ray"] | None,
        option(help="Where to score: a cluster of Ray, which sees MODEL.", show_default="here"),
    ] = None,
    strict: options.Strict = False,
    mask: options.Mask = None,
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
    from alad.data.ahead import ahead
    from alad.data.database import table_in

    if into is not None and (query is None or output != writing.STREAM):
        raise InputError("--into is of the database of a --query; leave it out, or -o")
    if as_json and into is None and output == writing.STREAM:
        raise InputError(
            "--json and the scored rows both want standard output; name a file with -o"
        )
    # refuse what can be refused before the long work
    rule = FlaggingRule(false_alarm_rate, confidence, fdr)
    rule.check(score)
    check_output(output, *table)
    detector = catalogue.load(model, device=device, engine=engine)
    flagging = Flagging(rule, detector)
    source = pictures.source(table, None, strict, query=query, mask=mask, drop=drop)
    check_score(detector.name, detector.score_names(), score)
    session: AbstractContextManager[Work | None] = nullcontext()
    if on == "ray":
        if source.kind == "images":
            raise InputError("--on ray scores tables, not pictures; leave it out")
        from alad import ray

        session = ray.scoring_session(model, device=device, engine=engine)
    # read, score and write at once, each a few batches ahead of the next
    rows = 0
    last = flagging.last if score is None else None
    left = "rows until then were" if into is None and output == writing.STREAM else "nothing was"
    with (
        stoppable(lambda: f"{left} written"),
        session as work,
        located(source.place),
        closing(ahead(_scored(detector, source, drop, score, work))) as scored,
        Progress(
            "scored",
            source.expected_rows(),
            unit=f"{source.unit}s",
            enabled=not quiet,
            after=SILENT_SECONDS,
            lines=False,
        ) as progress,
        (
            writing.table_writer(output, last) if into is None else table_in(table[0], into, last)
        ) as write,
    ):
        for batch, scores in scored:
            added = flagging.columns(scores) if score is None else {"anomaly_score": scores}
            write(writing.with_columns(batch, added))
            rows += len(scores)
            progress.advance(rows)
    # report
    facts = {"output": into or output, "rows": rows, "threshold": flagging.threshold}
    if as_json:
        print_json({**facts, "flagged": flagging.flagged if score is None else None})
    if score is None:
        flagging.warn_of_drift()
    if not quiet:
        pictures.say_skipped(source)
        result = f", {flagging.summary()}" if score is None else ""
        say(f"{counted(rows, source.unit)} scored{result}")
        learnt_alone = detector.calibration_ is None and source.kind == "images"
        if score is None and learnt_alone and 2 * flagging.flagged > rows:
            how = pictures.how_to_calibrate(model, of_images=True)
            say(
                f"most are flagged: the threshold comes from the images learnt from; to mend: {how}"
            )


def _scored(
    detector: "Fitted",
    source: "Source",
    drop: list[str] | None,
    score: str | None,
    work: "Work | None",
) -> "Iterator[tuple[pa.Table, np.ndarray]]":
    """Yield the rows of a batch, as they came, and their scores [n]; of pictures all at once."""
    import numpy as np

    scored = detector.scored(source.without(separated(drop)), score, work)
    if source.kind == "images":
        scores = np.concatenate([scores for _, scores in scored])
        yield source.table(), scores
    else:
        for batch, scores in scored:
            if batch is not None:
                yield batch.table() if batch.given is None else batch.given, scores
