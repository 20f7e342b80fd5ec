"""AUROC on images as tables for people: means, class by class, the ablation study, the scores."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import mean, stdev

from alad.benchmark import published
from alad.benchmark.one_class import AS_PUBLISHED, Classes, ClassRow
from alad.benchmark.published import PublishedMean
from alad.benchmark.row import SWITCHES, untrained_name
from alad.benchmark.rows import published_as
from alad.benchmark.sheets import OTHER_PROTOCOL, UNMEASURED, Sheet

QUICK = "a reduced pass: its numbers stand for themselves, not for the published protocol"
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


def sheets(rows: Iterable[ClassRow]) -> list[Sheet]:
    """For each benchmark and protocol of which something was measured."""
    groups = groupby(rows, lambda row: (row.benchmark, row.protocol))
    parts = (list(own) for _, own in groups)
    return [
        sheet
        for own in parts
        if any(row.auroc for row in own)
        for sheet in (means(own), by_class(own), ablation(own), scores(own))
        if sheet
    ]


def _title(rows: Sequence[ClassRow], what: str) -> str:
    return f"{rows[0].benchmark}, protocol {rows[0].protocol}: {what}"


def _count(row: ClassRow, classes: Classes) -> str:
    """ "10", or "7 of 10"."""
    most = len(row.classes)
    return str(most) if len(classes) == most else f"{len(classes)} of {most}"


def over(classes: Classes) -> str:
    """ "0.6072 ± 0.1201": mean and deviation over classes."""
    values = list(classes.values())
    if not values:
        return ""
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def printed(number: PublishedMean | None) -> str:
    return f"{number.auroc:.4f} ± {number.sd:.4f}" if number else ""


def same_classes(row: ClassRow) -> float | None:
    """The published mean over those classes that we have measured, as far as it is known."""
    known = row.published
    if known is None or not row.auroc:
        return None
    if len(row.auroc) == len(row.classes):
        return known.auroc
    if not row.auroc.keys() <= known.by_class.keys():
        return None
    return mean(known.by_class[each] for each in row.auroc)


# --- means ----------------------------------------------------------------------------------------


def means(rows: Sequence[ClassRow]) -> Sheet:
    """Mean over classes, beside the published one under the paper's protocol.

    Rows that were not measured are there if they have a published number. Untrained networks have
    no row of their own beside the trained ones.
    """
    beside = any(row.published for row in rows)
    heads = ["detector", "classes", "runs", "networks", "AUROC", "untrained"]
    if beside:
        heads += ["published as", "published", "published, same classes", "difference"]
    told = {untrained_name(row.detector) for row in rows if row.auroc}
    shown = [row for row in rows if row.published or (row.auroc and row.detector not in told)]
    body = [_mean_row(row)[: len(heads)] for row in shown]
    notes = [*_kind(rows), OVER_CLASSES]
    notes += [*_sureness(rows), SAME_CLASSES] if beside else []
    noted: dict[str, list[str]] = defaultdict(list)
    for row in shown:
        for note in (*row.notes, *_idle(row)):
            noted[note].append(row.detector)
    notes += [f"{', '.join(names)}: {note}" for note, names in noted.items()]
    return Sheet(_title(rows, "mean AUROC over normal classes"), heads, body, notes)


def _kind(rows: Sequence[ClassRow]) -> list[str]:
    """What kind of numbers these are, if not the paper's."""
    one, base = rows[0], published_as(rows[0].benchmark)
    told = [NOT_PUBLISHED] if not published.on_images(base) else []
    told += [QUICK] if one.benchmark != base else []
    return told


def _sureness(rows: Iterable[ClassRow]) -> list[str]:
    """How sure the published numbers are, each kind once."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for known in {row.published.method: row.published for row in rows if row.published}.values():
        kinds[known.status].append(known.method)
    return [f"published numbers of {', '.join(names)}: {kind}" for kind, names in kinds.items()]


def _mean_row(row: ClassRow) -> list[str]:
    known = row.published
    told = [known.method, printed(known)] if known else ["", ""]
    count = _count(row, row.auroc)
    if not row.auroc:
        return [row.detector, count, "", "", UNMEASURED, "", *told, "", ""]
    same, before = same_classes(row), _before(row)
    return [
        *(row.detector, count, row.runs, row.networks, over(row.auroc)),
        "" if before is None else f"{before:.4f}",
        *told,
        "" if same is None else f"{same:.4f}",
        "" if same is None else f"{mean(row.auroc.values()) - same:+.4f}",
    ]


def _before(row: ClassRow) -> float | None:
    """The mean of its networks before training, over the same classes."""
    if not row.auroc or not row.auroc.keys() <= row.untrained.keys():
        return None
    return mean(row.untrained[each] for each in row.auroc)


def _idle(row: ClassRow) -> list[str]:
    """Which networks stand in for its own untrained ones; and if it is no better than those."""
    before = _before(row)
    if before is None:
        return []
    told = [f"“untrained” is {row.twin}"] if row.twin.startswith("untrained") else []
    behind = mean(row.auroc.values()) <= before
    return [*told, *([f"no better than {row.twin}, over the same classes"] if behind else [])]


# --- class by class -------------------------------------------------------------------------------


def by_class(rows: Sequence[ClassRow]) -> Sheet:
    """Detectors down, normal classes across; the published methods below."""
    one, base = rows[0], published_as(rows[0].benchmark)
    printed = {
        f"{number.method}, published": number.by_class
        for number in published.on_images(base)
        if number.by_class
    }
    found = {**{row.detector: row.auroc for row in rows if row.auroc}, **printed}
    most = max(len(row.auroc) for row in rows)
    shared = _shared([row.auroc for row in rows if 2 * len(row.auroc) >= most], one.classes)
    partly = 0 < len(shared) < len(one.classes)
    body = [
        (
            name,
            *(_number(own.get(each)) for each in one.classes),
            *_summary(own, len(one.classes)),
            *([_mean_over(shared, own, 3)] if partly else []),
        )
        for name, own in found.items()
    ]
    notes = [*_kind(rows), *([PARTLY] if partly else [])]
    if printed:
        notes.append(f"published rows: {published.content()[base]['per_class']['status']}")
        notes += [OTHER_PROTOCOL] if one.protocol != AS_PUBLISHED else []
    also = (f"mean, shared {len(shared)}",) if partly else ()
    heads = ("detector", *one.classes, "mean", "deviation", *also)
    return Sheet(_title(rows, "AUROC by normal class"), heads, body, notes)


def _shared(found: Sequence[Classes], classes: Sequence[str]) -> list[str]:
    return [each for each in classes if all(each in own for own in found)]


def _mean_over(classes: Sequence[str], own: Classes, decimals: int = 4) -> str:
    """ "" unless it has all of them."""
    if not classes or not own.keys() >= set(classes):
        return ""
    return f"{mean(own[each] for each in classes):.{decimals}f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _summary(classes: Classes, all_classes: int) -> tuple[str, str]:
    """Mean and deviation over those that were measured, marked where some were not."""
    values = list(classes.values())
    if len(values) < 2:
        return "", ""
    mark = "" if len(values) == all_classes else "*"
    return f"{mean(values):.3f}{mark}", f"{stdev(values):.3f}"


# --- one training, several switches and several scores --------------------------------------------


def ablation_rows(rows: Iterable[ClassRow]) -> dict[str, ClassRow]:
    """ "baseline", "dl", "sn" and "sn+dl", which is ALAD itself, as far as they are rows."""
    by_name = {row.detector: row for row in rows}
    names = {"baseline": "alad-baseline", "dl": "alad+dl", "sn": "alad+sn", "sn+dl": "alad"}
    return {switch: by_name[names[switch]] for switch in SWITCHES if names[switch] in by_name}


def ablation(rows: Sequence[ClassRow]) -> Sheet | None:
    """The ablation study beside the published one; None if no row but ALAD was measured."""
    study = ablation_rows(rows)
    if not any(row.auroc for name, row in study.items() if name != "sn+dl"):
        return None
    return ablation_sheet(rows)


def ablation_sheet(rows: Sequence[ClassRow]) -> Sheet:
    """The same, its rows measured or not."""
    study = ablation_rows(rows)
    whole = rows[0].classes
    shared = _shared([row.auroc for row in study.values() if row.auroc], whole)
    heads = ("row", "the paper's name", "classes", "AUROC", f"mean, shared {len(shared)}")
    beside = rows[0].protocol == AS_PUBLISHED and bool(
        published.mean_of(published_as(rows[0].benchmark), "baseline")
    )
    body = [
        (
            row.detector,
            published.ABLATIONS[switch],
            _count(row, row.auroc),
            over(row.auroc) or UNMEASURED,
            _mean_over(shared, row.auroc),
            *([printed(published.mean_of(published_as(row.benchmark), switch))] if beside else []),
        )
        for switch, row in study.items()
    ]
    notes = [*_kind(rows), OVER_CLASSES]
    title = _title(rows, "ablation, mean AUROC over normal classes")
    return Sheet(title, (*heads, *(["published"] if beside else [])), body, notes)


def scores(rows: Sequence[ClassRow]) -> Sheet | None:
    """Each score of the same trainings, ALAD's beside the published ones; None if there is none."""
    told = [row for row in rows if row.trained and row.by_score]
    if not told:
        return None
    told.sort(key=lambda row: not _compared(row))
    heads = ("row", "score", "classes", "AUROC", "published")
    body = [
        (
            row.detector,
            score,
            _count(row, classes),
            over(classes),
            printed(published_score(row, score)),
        )
        for row in told
        for score, classes in row.by_score.items()
    ]
    return Sheet(_title(rows, "scores of one training"), heads, body, [*_kind(rows), OVER_CLASSES])


def published_score(row: ClassRow, score: str) -> PublishedMean | None:
    """Of ALAD, whose scores the paper compares."""
    known = published.score_means(published_as(row.benchmark))
    return known.get(score) if _compared(row) else None


def _compared(row: ClassRow) -> bool:
    return row.published is not None and row.published.method == "ALAD"
