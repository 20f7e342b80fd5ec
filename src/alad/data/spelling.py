"""Parse numbers as people and spreadsheets write them.

Text is a number by these rules:

- spaces around it, of any width, are ignored; a minus may be any dash (-, −, –)
- the decimal mark is a point or a comma; if both occur, the last of them
- marks between thousands are spaces of any width, apostrophes, or the point or comma that is not
  the decimal mark: 1 234,5 and 1'234.5 and 1.234,5 and 1,234.5
- 1,234 alone can be two numbers. It is read with the decimal mark of its file, its column, or the
  training rows; a comma is refused where the decimal mark is the point, and the other way round
- units and currencies (12 %, 23.5 °C, $5) are refused: another cell may have another one

Words for a missing value are those of `columns.MISSING`.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

POINT, COMMA = ".", ","
SPACES = " \u00a0\u2007\u2008\u2009\u200a\u202f"
_CLEAN = str.maketrans(
    {**dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"), "’": "'"}
)
_PARTS = re.compile(rf"([+-]?)\s*([\d.,'{SPACES}]*\d[.,]?)(e[+-]?\d+)?", re.IGNORECASE)
_WHOLE = re.compile(rf"\d*|\d{{1,3}}(?:([{SPACES}'])\d{{3}})(?:\1\d{{3}})*")
_ENDLESS = re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE)
_UNIT = re.compile(
    rf"[+-]?\s*(?P<money>[$€£¥]?)\s*(?P<number>[+-]?[\d.,'{SPACES}]*\d(?:[eE][+-]?\d+)?)"
    r"(?P<space>\s*)(?P<unit>[A-Za-zµμΩ°℃℉%‰€$£¥/²³·]{0,8}\d?)"
)
UNITS = frozenset(  # units that may follow a number without a space; other letters make a label
    "V mV kV A mA W kW MW Hz kHz MHz GHz Pa kPa MPa bar mbar psi N Nm J kJ kWh mm cm km ms min kg "
    "mg ml rpm dB ppm mph km/h m/s kB MB GB".split()
)


class Spelled(NamedTuple):
    """A number as it is written.

    mark: "." or "," = the decimal mark; "?." or "?," = a mark that may also stand between
    thousands; "" = no mark. value: with that mark before decimals.
    """

    value: float
    mark: str


def spelled(text: str) -> Spelled | None:
    """Parse text as a number; None if it is none."""
    clean = text.translate(_CLEAN).strip()
    parts = _PARTS.fullmatch(clean)
    if parts is None:
        return Spelled(float(clean), "") if _ENDLESS.fullmatch(clean) else None
    sign, body, power = parts[1], parts[2], parts[3] or ""
    points, commas = body.count(POINT), body.count(COMMA)
    if points and commas:
        decimal = max(POINT, COMMA, key=body.rfind)
        return _with_groups(sign, body, power, decimal)
    mark = POINT if points else COMMA
    if points + commas >= 2:  # 1,234,567: the other mark stands before decimals
        return _with_groups(sign, body, power, COMMA if points else POINT)
    whole, _, decimals = body.partition(mark)
    if not _WHOLE.fullmatch(whole) or not (decimals.isdecimal() or not decimals):
        return None
    digits = "".join(filter(str.isdecimal, whole))
    value = float(f"{sign}{digits or '0'}.{decimals or '0'}{power}")
    if not points + commas:
        return Spelled(value, "")
    either = len(decimals) == 3 and re.fullmatch(r"[1-9]\d{0,2}", whole) and not power
    return Spelled(value, f"?{mark}" if either else mark)


def _with_groups(sign: str, body: str, power: str, decimal: str) -> Spelled | None:
    """Parse a number with the other mark between thousands; None if it is none."""
    between = COMMA if decimal == POINT else POINT
    whole, _, decimals = body.partition(decimal)
    grouped = re.fullmatch(rf"\d{{1,3}}(?:[{between}]\d{{3}})+", whole)
    if not grouped or not (decimals.isdecimal() or not decimals):
        return None
    return Spelled(float(f"{sign}{whole.replace(between, '')}.{decimals or '0'}{power}"), decimal)


def number(text: str, decimal: str | None) -> float | None:
    """Parse text as a number with a decimal mark; None if it is none, or can be two numbers."""
    reading = spelled(text)
    if reading is None or (reading.mark.startswith("?") and reading.mark[1] != decimal):
        return None
    return reading.value


def decimal_mark(texts: Iterable[str]) -> str | None:
    """Detect the decimal mark that all texts with one share; else None."""
    readings = map(spelled, texts)
    marks = {reading.mark for reading in readings if reading is not None} & {POINT, COMMA}
    return marks.pop() if len(marks) == 1 else None


def are_measures(texts: Iterable[str]) -> bool:
    """Tell whether all texts are numbers, some of them with the same unit or currency."""
    units, evident = set(), False
    for text in texts:
        parts = _UNIT.fullmatch(text.translate(_CLEAN).strip())
        reading = None if parts is None else spelled(parts["number"])
        if parts is None or reading is None:
            return False
        unit = parts["money"] + parts["unit"]
        if unit.isalpha() and re.match(r"0\d", parts["number"]):
            return False  # 007x is a code
        units |= {unit} if unit else set()
        bare = bool(unit) and not parts["space"] and unit not in UNITS
        spaced = re.search(rf"\d[{SPACES}']\d", parts["number"])
        evident |= bool(spaced or reading.mark) or (bool(unit) and (not bare or not unit.isalpha()))
    return len(units) <= 1 and evident
