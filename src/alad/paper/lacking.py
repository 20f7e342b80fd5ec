"""What a plan holds and the ledgers do not, in words: so that nothing is missing silently."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from alad.benchmark.cells import cells
from alad.benchmark.one_class import ClassRow
from alad.benchmark.one_class_sheets import published_score
from alad.benchmark.results_file import Line, measured
from alad.benchmark.sheets import UNMEASURED
from alad.benchmark.table import latest
from alad.paper.plan import Plan

View = tuple[str, str, str]  # benchmark, protocol, row


def of_views(plan: Plan, lines: Iterable[Line], runs: int | None = None) -> list[str]:
    """Rows of which not all runs were looked at by every score."""
    groups: dict[View, list[Line]] = defaultdict(list)
    for line in measured(list(lines)):
        if line["member"] != "ensemble":
            groups[line["benchmark"], line["protocol"], line["detector"]].append(line)
    return [
        f"{', '.join(view)}: {told}"
        for view in plan.views
        for told in _told(len(_places(groups[view])), _due(view, runs))
    ]


def of_times(plan: Plan, lines: Iterable[Line]) -> list[str]:
    """Tables whose batches were not timed."""
    timed = {line["benchmark"] for line in measured(list(lines))}
    return [f"{one.benchmark}: {UNMEASURED}" for one in plan.benches if one.benchmark not in timed]


def of_classes(rows: Sequence[ClassRow]) -> list[str]:
    """Normal classes that rows on images lack, rows without any, and scores not compared."""
    lacking: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in rows:
        lacking[tuple(each for each in row.classes if each not in row.auroc)].append(row.detector)
    told = [
        f"{', '.join(names)}: {UNMEASURED}"
        + ("" if set(missing) == set(rows[0].classes) else f" on {', '.join(missing)}")
        for missing, names in lacking.items()
        if missing
    ]
    for row in rows:
        compared = len(row.by_score.get("features", ()))
        if compared < len(row.auroc) and published_score(row, "features"):
            count = f"{compared} of {len(row.auroc)} classes"
            told.append(f"{row.detector}: its scores were compared on {count}")
    return told


def _due(view: View, runs: int | None) -> int:
    return sum(cell.members for cell in cells(view[0], [view[1]], [view[2]], runs))


def _places(lines: list[Line]) -> set[tuple]:
    """Split, seed and member of each run that some score was measured of."""
    by_score: dict[str | None, list[Line]] = defaultdict(list)
    for line in lines:
        by_score[line["score"]].append(line)
    current = [line for own in by_score.values() for line in latest(own)]
    return {(line["split"], line["seed"], line["member"]) for line in current}


def _told(runs: int, due: int) -> list[str]:
    if runs >= due:
        return []
    return [f"{runs} of {due} runs measured so far" if runs else UNMEASURED]
