"""How long what a benchmark lacks will take, told by what was measured before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean

from alad.benchmark.results_file import Line, measured


class Pace:
    """Seconds of a cell by its row, from lines of the ledger and from what is measured now."""

    def __init__(self, lines: Iterable[Line]):
        cells: dict[tuple[str, str], float] = defaultdict(float)  # of several members, one fit
        for line in measured(list(lines)):
            key = (line["detector"], line["cell"])
            fitted = 0.0 if key in cells else line.get("fit_seconds", 0.0)
            cells[key] += fitted + line.get("score_seconds", 0.0)
        self._seconds: dict[str, list[float]] = defaultdict(list)
        for (row, _), seconds in cells.items():
            self._seconds[row].append(seconds)

    def add(self, row: str, seconds: float) -> None:
        self._seconds[row].append(seconds)

    def told(self, rows: Sequence[str]) -> str:
        """How long cells of these rows take, "about 3 min", as far as their like were measured."""
        known = [mean(self._seconds[row]) for row in rows if row in self._seconds]
        if not known:
            return "how long is not known yet"
        beside = f", beside {more} not yet timed" if (more := len(rows) - len(known)) else ""
        return f"about {spoken(sum(known))}{beside}"


def spoken(seconds: float) -> str:
    """ "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"
