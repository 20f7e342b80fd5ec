"""Results on disk: one JSON object a line, only ever appended to."""

import json
import os
import platform
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from alad.errors import InputError

Line = dict[str, Any]

NAMING = {"protocol", "detector", "cell", "settings"}  # keys of every line
MEASURED = {"member", "cell_lines"}  # and of those that hold no error


class ResultsFile:
    """A results file; a last line without a line end counts as not written."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def lines(self) -> list[Line]:
        """Read all whole lines, oldest first. Raises InputError for a line that is no result."""
        if not self.path.exists():
            return []
        lines, (whole, _, _) = [], self.path.read_bytes().rpartition(b"\n")
        for at, text in enumerate(whole.split(b"\n"), 1):
            if not text:
                continue
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            line = line if isinstance(line, dict) else {}
            if not line.keys() >= (NAMING if "error" in line else NAMING | MEASURED):
                what = f"line {at} of {self.path} is no result"
                raise InputError(f"{what}; remove the line or the file")
            lines.append(line)
        return lines

    def append(self, lines: list[Line]) -> None:
        """Add lines in one write and wait until they are on the disk."""
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        with self.path.open("ab+") as file:
            if os.name == "posix":  # until it is closed: no other process may cut off these lines
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX)
            # drop what follows the last line end: a line whose writer was killed
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())

    def finished(self) -> set[str]:
        """List the digests of the cells that have all their lines."""
        latest = {(line["cell"], line["member"]): line for line in measured(self.lines())}
        counts = Counter(cell for cell, _ in latest)
        return {cell for (cell, _), line in latest.items() if counts[cell] == line["cell_lines"]}


def measured(lines: Iterable[Line]) -> list[Line]:
    """Keep the lines that hold a measurement, not an error."""
    return [line for line in lines if "error" not in line]


def machine(device: str = "cpu") -> dict[str, Any]:
    """Describe usable cores, memory in GiB, processor, and an accelerator in use."""
    try:
        pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        memory = round(pages / 2**30, 1)
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        memory = None
    facts: dict[str, Any] = {
        "cores": cores(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "memory_gib": memory,
        "cpu": _processor(),
        "system": platform.system(),
    }
    if str(device) != "cpu":
        import torch

        there = torch.cuda.is_available()
        facts["accelerator"] = torch.cuda.get_device_name() if there else None
    return facts


def cores() -> int:
    """Count the processor cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@lru_cache(maxsize=1)
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
