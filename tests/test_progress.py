"""Progress of long work: a bar on a terminal, plain lines elsewhere, nothing if disabled."""

from __future__ import annotations

import sys

import pytest

from alad import progress
from alad.progress import SECONDS_BETWEEN_LINES, Progress


class Clock:
    """Stands in for `time`: goes on only when told to."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_without_a_terminal_it_prints_a_plain_line_now_and_then(capsys, clock: Clock):
    with Progress("alad", 1000) as told:
        clock.now += SECONDS_BETWEEN_LINES - 1
        told.advance(100)
        assert capsys.readouterr().err == ""
        clock.now += 1
        told.advance(150, "loss 0.5")  # 150 steps in 15 s, so 850 take 85 s
        clock.now += 1
        told.advance(160)
    out, err = capsys.readouterr()
    assert err == "alad: 150 of 1000  loss 0.5  10 steps/s  85 s left\n" and out == ""


def test_steps_made_before_do_not_count_as_speed(capsys, clock: Clock):
    with Progress("alad", 1000, start=400) as told:
        clock.now += 20
        told.advance(440)  # 40 steps in 20 s, so 560 take 280 s
    assert capsys.readouterr().err == "alad: 440 of 1000    2.0 steps/s  280 s left\n"


@pytest.mark.parametrize(
    ("unit", "done", "told"),
    [("steps", 5, "4.0 s/step"), ("rows", 30, "1.5 rows/s"), ("steps", 246, "12 steps/s")],
)
def test_speed_has_digits_however_slow_it_is(capsys, clock: Clock, unit, done, told):
    with Progress("alad", 1000, unit=unit) as progress:
        clock.now += 20
        progress.advance(done)
    assert f"  {told}  " in capsys.readouterr().err


@pytest.mark.parametrize("settings", [{"enabled": False}, {"start": 1000}])
def test_disabled_or_with_nothing_to_do_it_is_silent(capsys, clock: Clock, settings: dict):
    with Progress("alad", 1000, **settings) as told:
        clock.now += 60
        told.advance(1000)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_it_draws_a_bar_and_closes_it(capsys, clock: Clock, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with Progress("alad", 1000) as told:
        clock.now += 2
        told.advance(500, "loss 0.5")
    out, err = capsys.readouterr()
    assert "alad" in err and "500/1000" in err and "loss 0.5" in err and out == ""
    assert "left" not in err  # the words of the plain line


def test_an_error_inside_closes_the_bar_and_goes_on(capsys, clock: Clock, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(KeyboardInterrupt), Progress("alad", 10) as told:
        raise KeyboardInterrupt
    assert told._bar is not None and told._bar.finished is False and not told._bar.live.is_started
