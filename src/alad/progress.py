"""Progress of long work on stderr: a bar in a terminal, a plain line every 15 s elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from typing import Self

SECONDS_BETWEEN_LINES = 15.0
SECONDS_BETWEEN_BARS = 0.25


class Progress(AbstractContextManager["Progress"]):
    """A count of steps, or of another `unit`; `advance` is cheap enough to call at every step."""

    def __init__(
        self, label: str, total: int, *, start: int = 0, unit: str = "steps", enabled: bool = True
    ):
        self._label, self._total, self._start, self._unit = label, total, start, unit
        self._enabled = enabled and total > start
        self._began = self._shown = time.monotonic()
        self._bar = None

    def __enter__(self) -> Self:
        if self._enabled and sys.stderr.isatty():
            self._open_bar()
        return self

    def _open_bar(self) -> None:
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[note]}"),
            progress.TimeRemainingColumn(),
        )
        self._bar = progress.Progress(*columns, console=Console(stderr=True), refresh_per_second=4)
        self._bar.start()
        self._task = self._bar.add_task(
            self._label, total=self._total, completed=self._start, note=""
        )

    def advance(self, done: int, note: str = "") -> None:
        """Show that `done` of the total are done, with a note such as the losses."""
        pause = SECONDS_BETWEEN_LINES if self._bar is None else SECONDS_BETWEEN_BARS
        if not self._enabled or time.monotonic() - self._shown < pause:
            return
        self._shown = time.monotonic()
        rate = (done - self._start) / (self._shown - self._began)
        if rate < 1:
            speed = f"{1 / rate:.1f} s/{self._unit.removesuffix('s')}"  # 3.2 s/step
        else:
            speed = f"{rate:.{0 if rate >= 10 else 1}f} {self._unit}/s"  # 120 steps/s, 1.5 steps/s
        note = f"{note}  {speed}"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, note=note)
        else:
            left = (self._total - done) / rate
            line = f"{self._label}: {done} of {self._total}  {note}  {left:.0f} s left"
            print(line, file=sys.stderr, flush=True)

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()
