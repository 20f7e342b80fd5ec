"""Results of a benchmark, a line of JSON each: what is measured already is not measured again."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any


def read(path: Path) -> list[dict]:
    """Read the lines; none if the file is not there yet."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def measure_missing(
    path: Path,
    cells: Iterable[Sequence[Any]],
    names: Sequence[str],
    measure: Callable[..., dict],
) -> list[dict]:
    """Measure the cells that the file lacks, adding a line at a time; return all of its lines.

    names: what a line calls the values of a cell, which `measure` takes.
    """
    lines = read(path)
    done = {tuple(line[name] for name in names) for line in lines}
    for cell in cells:
        if tuple(cell) not in done:
            lines.append(measure(*cell))
            with path.open("a") as file:
                file.write(json.dumps(lines[-1]) + "\n")
            print(*cell, lines[-1].get("scores", ""), flush=True)
    return lines
