"""Parse numbers as people and spreadsheets write them.

Text is a number by these rules:

- spaces around it, of any width or none, are ignored; a minus may be any dash (-, −, –); digits
  may be those of any script
- the decimal mark is a point or a comma; if both occur, the last of them
- marks between thousands are spaces of any width, apostrophes, or the point or comma that is not
  the decimal mark: 1 234,5 and 1'234.5 and 1.234,5 and 1,234.5; commas also as in 12,34,567
- 1,234 alone can be two numbers. It is read with the decimal mark of its file, its column, or the
  training rows; a comma is refused where the decimal mark is the point, and the other way round
- units and currencies (12 %, 23.5 °C, $5) are refused: another cell may have another one; so are
  signs around a number, and powers of ten (~5, <0.5, 5-, (5), 1.2 × 10^3)

Words for a missing value are those of `columns.MISSING`.
"""

import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

POINT, COMMA = ".", ","
SPACES = " \u00a0\u2007\u2008\u2009\u200a\u202f"
_CLEAN = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff", ""),  # of no width
        **dict.fromkeys("’\u066c", "'"),
        "\u066b": ".",
    }
)
_PARTS = re.compile(rf"([+-]?)\s*([\d.,'{SPACES}]*\d[.,]?)(e[+-]?\d+)?", re.IGNORECASE)
_WHOLE = re.compile(rf"\d*|\d{{1,3}}(?:([{SPACES}'])\d{{3}})(?:\1\d{{3}})*")
_ENDLESS = re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE)
_LETTERS = 'A-Za-zµμΩ°℃℉%‰€$£¥₹²³′″"/'
_MEASURE = re.compile(
    r"(?P<sign>[<>≤≥~≈±='(\"]*)\s*[+-]?\s*"
    r"(?P<money>[$€£¥₹]|(?:EUR|USD|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|Rs\.?)(?![A-Za-z]))?\s*"
    rf"(?P<number>[+-]?\s*[\d.,'_{SPACES}]*\d[.,]?(?:[eE][+-]?\d+)?)"
    r"(?P<power>\s*[x×*·]\s*10\s*\^?\s*[+-]?[\d⁰¹²³⁴-⁹⁻]+|[dD][+-]?\d+|[eE]\s[+-]?\d+)?"
    rf"(?P<space>\s*)(?P<unit>(?:[{_LETTERS}][{_LETTERS}·^*\d\-]{{0,11}}(?:/\d+ [{_LETTERS}]+)?)?)"
    r"(?P<end>[-)'\"]*)"
)
UNITS = frozenset(  # units that may follow a number without a space; other letters make a label
    "V mV kV A mA W kW MW Hz kHz MHz GHz Pa kPa MPa bar mbar psi N Nm J kJ kWh mm cm km ms min kg "
    "mg ml rpm dB ppm mph km/h m/s kB MB GB".split()
)
SHORT_UNITS = frozenset("s h d m g l B k K M G T µs us ns µm nm µg".split())  # beside another unit


class Spelled(NamedTuple):
    """A number as it is written.

    mark: "." or "," = the decimal mark; "?." or "?," = a mark that may also stand between
    thousands; "" = no mark. value: with that mark before decimals.
    """

    value: float
    mark: str


def as_float(cell: Any) -> float:
    """Convert a number to a float; a whole number beyond all floats to infinity."""
    try:
        return float(cell)
    except OverflowError:
        return math.inf if cell > 0 else -math.inf


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
    thousands = rf"\d{{1,3}}(?:[{between}]\d{{3}})+"
    grouped = re.fullmatch(rf"{thousands}|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}", whole)
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
    """Tell whether all texts are numbers, some of them in a spelling that is not read.

    With a unit or a currency, the same in all or several known ones; with a sign; as a power of
    ten. Some must have decimals, or such an addition as labels do not have.
    """
    units: set[str] = set()
    evident, apart = False, False  # of numbers; of numbers and units
    for text in texts:
        parts = _MEASURE.fullmatch(text.translate(_CLEAN).strip())
        digits = None if parts is None else parts["number"].replace("_", "'")
        reading = None if digits is None else spelled(digits)
        if parts is None or reading is None:
            return False
        unit = (parts["money"] or "") + parts["unit"].rstrip("\"'")
        if unit.isalpha() and re.match(r"0\d", parts["number"]):
            return False  # 007x is a code
        units |= {unit} if unit else set()
        bare = bool(unit) and not parts["space"] and unit not in UNITS and not parts["money"]
        signed = parts["sign"] not in ("", "<", ">", "≤", "≥", "=", '="') or parts["end"] == "-"
        grouped = re.search(rf"\d[{SPACES}'_]\d", parts["number"])
        evident |= bool(reading.mark or parts["power"] or signed or grouped)
        apart |= bool(reading.mark or parts["space"])
        evident |= bool(unit) and (not bare or not unit.isalpha())
    return evident and (len(units) <= 1 or (apart and units <= UNITS | SHORT_UNITS))
