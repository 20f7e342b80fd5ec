"""AUROC on images as tables: means, class by class, the ablation study, the scores."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import mean, stdev

from alad.benchmark import published
from alad.benchmark.class_rows import PAPERS_PROTOCOL, Classes, ClassRow
from alad.benchmark.published import PublishedMean
from alad.benchmark.row import SWITCHES, untrained_name
from alad.benchmark.rows import published_as
from alad.benchmark.summary import OTHER_PROTOCOL, UNMEASURED, mean_and_sd, mean_over, noted, out_of
from alad.report.tables import Cell, Table

REDUCED = "a reduced pass: its numbers stand for themselves, not for the published protocol"
NOT_PUBLISHED = "not of the paper, which has no such experiment"
PARTLY = (
    "* over fewer classes than there are: compare means over the shared ones, which those rows "
    "have that were measured on at least half of the classes of the fullest"
)
OVER_CLASSES = (
    "± is the deviation over normal classes, here as in the paper: how classes differ, not how "
    "sure a mean is"
)
SAME_CLASSES = (
    "difference: ours − published, over the classes measured here; over all of them the printed "
    "mean, over some that of the bars of the paper's figure"
)


def class_tables(rows: Iterable[ClassRow]) -> list[Table]:
    """Make the tables of each benchmark and protocol that has measurements."""
    groups = groupby(rows, lambda row: (row.benchmark, row.protocol))
    return [
        table
        for group in [list(group) for _, group in groups]
        if any(row.auroc for row in group)
        for make in (means_table, classes_table, ablation_table, scores_table)
        if (table := make(group))
    ]


def means_table(rows: Sequence[ClassRow]) -> Table:
    """Make the table of means over classes, beside the published ones.

    It has the rows that were measured or have a published number; untrained networks are a column.
    """
    beside = any(row.published for row in rows)
    columns = ["detector", "classes", "runs", "networks", "AUROC", "untrained"]
    if beside:
        columns += ["published as", "published", "published, same classes", "difference"]
    # untrained networks are a column of their trained row
    twins = {untrained_name(row.detector) for row in rows if row.auroc}
    shown = [row for row in rows if row.published or (row.auroc and row.detector not in twins)]
    body: list[list[str | Cell]] = []
    for row in shown:
        same = row.published_over_same
        method = row.published.method if row.published else ""
        cells: list[str | Cell] = [row.detector, out_of(len(row.auroc), len(row.classes))]
        cells += [row.runs, row.networks, over_classes(row.auroc) or UNMEASURED]
        cells += [mean_and_sd(row.before_training), method, _printed(row.published)]
        difference = "" if same is None else f"{mean(row.auroc.values()) - same:+.4f}"
        cells += [mean_and_sd(same), difference]
        body.append(cells[: len(columns)])
    notes = [*_kind(rows), OVER_CLASSES]
    if beside:
        methods = {row.published.method: row.published for row in rows if row.published}
        kinds = noted((name, [number.status]) for name, number in methods.items())
        notes += [*(f"published numbers of {kind}" for kind in kinds), SAME_CLASSES]
    notes += noted((row.detector, (*row.notes, *_no_better(row))) for row in shown)
    left = [columns.index(x) for x in ("detector", "networks", "published as") if x in columns]
    return Table(_title(rows, "mean AUROC over normal classes"), columns, body, notes, left)


def _no_better(row: ClassRow) -> list[str]:
    """Note which untrained networks it stands beside, and if it is no better than those."""
    before = row.before_training
    if before is None:
        return []
    notes = [f"“untrained” is {row.twin}"] if row.twin.startswith("untrained") else []
    if mean(row.auroc.values()) <= before:
        notes.append(f"no better than {row.twin}, over the same classes")
    return notes


def classes_table(rows: Sequence[ClassRow]) -> Table:
    """Make the table of AUROC, detectors down, normal classes across; published ones below."""
    base, classes = published_as(rows[0].benchmark), rows[0].classes
    theirs = {
        f"{number.method}, published": number.by_class
        for number in published.on_images(base)
        if number.by_class
    }
    ours = {row.detector: row.auroc for row in rows if row.auroc}
    most = max(len(row.auroc) for row in rows)
    # means over shared classes, for rows that were not measured on all
    shared = _shared([values for values in ours.values() if 2 * len(values) >= most], classes)
    partly = 0 < len(shared) < len(classes)
    body: list[list[str | Cell]] = []
    for name, by_class in {**ours, **theirs}.items():
        values = list(by_class.values())
        fewer = "" if len(values) == len(classes) else "*"
        cells = [mean_and_sd(by_class.get(label), decimals=3) for label in classes]
        cells += [f"{mean(values):.3f}{fewer}", f"{stdev(values):.3f}"] if values[1:] else ["", ""]
        cells += [mean_and_sd(mean_over(shared, by_class), decimals=3)] if partly else []
        body.append([name, *(Cell(x, mark="published" if name in theirs else "") for x in cells)])
    notes = [*_kind(rows), *([PARTLY] if partly else [])]
    if theirs:
        notes.append(f"published rows: {published.content()[base]['per_class']['status']}")
        notes += [OTHER_PROTOCOL] if rows[0].protocol != PAPERS_PROTOCOL else []
    also = (f"mean, shared {len(shared)}",) if partly else ()
    columns = ("detector", *classes, "mean", "deviation", *also)
    return Table(_title(rows, "AUROC by normal class"), columns, body, notes)


def ablation_rows(rows: Iterable[ClassRow]) -> dict[str, ClassRow]:
    """Select the rows of the ablation study, "baseline", "dl", "sn", "sn+dl" (ALAD itself)."""
    by_name = {row.detector: row for row in rows}
    names = {"baseline": "alad-baseline", "dl": "alad+dl", "sn": "alad+sn", "sn+dl": "alad"}
    return {switch: by_name[names[switch]] for switch in SWITCHES if names[switch] in by_name}


def ablation_table(rows: Sequence[ClassRow], *, whole: bool = False) -> Table | None:
    """Make the table of the ablation study; None if no row but ALAD was measured.

    whole: make it in any case.
    """
    study = ablation_rows(rows)
    if not whole and not any(row.auroc for name, row in study.items() if name != "sn+dl"):
        return None
    base = published_as(rows[0].benchmark)
    shared = _shared([row.auroc for row in study.values() if row.auroc], rows[0].classes)
    theirs = {switch: published.mean_of(base, switch) for switch in study}
    beside = rows[0].protocol == PAPERS_PROTOCOL and published.mean_of(base, "baseline") is not None
    columns = ["row", "the paper's name", "classes", "AUROC", f"mean, shared {len(shared)}"]
    columns += ["published"] if beside else []
    body = []
    for switch, row in study.items():
        count, auroc = out_of(len(row.auroc), len(row.classes)), over_classes(row.auroc)
        cells = [row.detector, published.ABLATIONS[switch], count, auroc or UNMEASURED]
        cells += [mean_and_sd(mean_over(shared, row.auroc)), _printed(theirs[switch])]
        body.append(cells[: len(columns)])
    title = _title(rows, "ablation, mean AUROC over normal classes")
    return Table(title, columns, body, [*_kind(rows), OVER_CLASSES], left=(0, 1))


def scores_table(rows: Sequence[ClassRow]) -> Table | None:
    """Make the table of each score of the same trainings, beside published ones; None if empty."""
    scored = [row for row in rows if row.trained and row.by_score]
    scored.sort(key=lambda row: not (row.published and row.published.method == "ALAD"))
    body = []
    for row in scored:
        for score, classes in row.by_score.items():
            count, number = out_of(len(classes), len(row.classes)), row.published_score(score)
            body.append((row.detector, score, count, over_classes(classes), _printed(number)))
    columns = ("row", "score", "classes", "AUROC", "published")
    title, notes = _title(rows, "scores of one training"), [*_kind(rows), OVER_CLASSES]
    return Table(title, columns, body, notes, left=(0, 1)) if body else None


def _title(rows: Sequence[ClassRow], what: str) -> str:
    return f"{rows[0].benchmark}, protocol {rows[0].protocol}: {what}"


def _kind(rows: Sequence[ClassRow]) -> list[str]:
    """Note what kind of numbers these are, if not the paper's."""
    base = published_as(rows[0].benchmark)
    notes = [] if published.on_images(base) else [NOT_PUBLISHED]
    return [*notes, *([REDUCED] if rows[0].benchmark != base else [])]


def over_classes(classes: Classes) -> str:
    """Write "0.6072 ± 0.1201": mean and deviation over classes."""
    values = list(classes.values())
    sd = stdev(values) if len(values) > 1 else None
    return mean_and_sd(mean(values), sd) if values else ""


def _printed(number: PublishedMean | None) -> str:
    return mean_and_sd(number.auroc, number.sd) if number else ""


def _shared(rows: Sequence[Classes], classes: Sequence[str]) -> list[str]:
    """List the classes that all rows have."""
    return [name for name in classes if all(name in row for row in rows)]
