"""Progress of long work on stderr: a bar in a terminal, a plain line every 15 s elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from typing import Self

SECONDS_BETWEEN_LINES = 15.0
SECONDS_BETWEEN_BARS = 0.25
SILENT_SECONDS = 2.0  # before progress is shown of what is mostly quick


class Progress(AbstractContextManager["Progress"]):
    """A count of steps, or of another `unit`; `advance` is cheap enough to call at every step.

    total: None = not known; then there is no remaining time. after: seconds before anything is
    shown. lines: are there plain lines where there is no terminal?
    """

    def __init__(
        self,
        label: str,
        total: int | None,
        *,
        start: int = 0,
        unit: str = "steps",
        enabled: bool = True,
        after: float = 0.0,
        lines: bool = True,
    ):
        self._label, self._total, self._start, self._unit = label, total, start, unit
        self._enabled = enabled and (total is None or total > start)
        self._after, self._lines = after, lines
        self._began = self._shown = time.monotonic()
        self._bar = None

    def __enter__(self) -> Self:
        self._terminal = self._enabled and sys.stderr is not None and sys.stderr.isatty()
        if self._terminal and not self._after:
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
        pause = SECONDS_BETWEEN_BARS if self._terminal else SECONDS_BETWEEN_LINES
        now = time.monotonic()
        if not self._enabled or now - self._shown < pause or now - self._began < self._after:
            return
        if not (self._terminal or self._lines):
            return
        if self._terminal and self._bar is None:
            self._open_bar()
        self._shown = now
        rate = (done - self._start) / (self._shown - self._began)
        if rate < 1:
            speed = f"{1 / rate:.1f} s/{self._unit.removesuffix('s')}"  # 3.2 s/step
        else:
            speed = f"{rate:.{0 if rate >= 10 else 1}f} {self._unit}/s"  # 120 steps/s, 1.5 steps/s
        note = f"{note}  {speed}"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, note=note)
        else:
            line = f"{self._label}: {done}"
            if self._total is not None:
                line += f" of {self._total}"
            line += f"  {note}"
            if self._total is not None:
                line += f"  {(self._total - done) / rate:.0f} s left"
            print(line, file=sys.stderr, flush=True)

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()
