"""Columns from a grammar of spellings: what is written, and the numbers that are meant."""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

MISSING = ["", "", "", "NA", "n/a", "?", "nan", "NULL", "None", "<NA>", " ", "#N/A", "NaT"]
SLIPS = ["oops", "-", "n.d.", "<0.01", "1.2.3", "#DIV/0!", "1/2", "0x1F", "1_000", "1,5,2",
         "..", "e5", "--3", "1e", "+-2", "#REF!", "(3)", "½", "inf", "-Infinity", "1e999",
         "NaN%"]  # fmt: skip
UNITS = [" %", "%", " °C", "°C", " kg", "kg", " rpm", "mV", " m/s", " €", "€", " kWh"]
CURRENCIES = ["$", "€ ", "£"]
LABELS = [
    ["tcp", "udp", "icmp"],
    ["low", "high"],
    ["A1", "B2", "C3", "D4"],
    ["Ärger", "naïve", "żółw"],
    ["yes", "no"],
    ["a,b", 'c"d', "e;f"],
    ["01", "02", "1a"],
    ["New York", "Rio de Janeiro"],
    ["日本", "中国"],
]
NAMES = ["a", "b", "temperature", "x 1", "pressure [bar]", "größe", "n,m", 'q"q', "Größe; m", "1st",
         "µ", "日付", "percent %", " led", "trail ", "two\nlines", "name\twith tab", "[bold]b[/]",
         "anomaly", "rate=5", "--drop", "#", "a.b", "None", "x|y", "z\x07", "nan"]  # fmt: skip


class Locale(NamedTuple):
    """Decimal mark and the mark between thousands, "" = none."""

    decimal: str
    between: str


LOCALES = [
    Locale(".", ""), Locale(".", ""), Locale(",", ""), Locale(".", ","), Locale(",", "."),
    Locale(".", " "), Locale(",", " "), Locale(",", "\u202f"), Locale(",", "\u00a0"),
    Locale(".", "'"), Locale(".", "’"),
]  # fmt: skip


@dataclass
class Column:
    """A column: its cells as written and, of numbers, the values meant (None = missing).

    sure: is there but one way to read it? harmed: does it hold a cell that is no number?
    """

    name: str
    cells: list[str]
    truth: list[float | None] | None = None
    sure: bool = True
    harmed: bool = False
    words: list[str] = field(default_factory=list)  # of the grammar, for the report of a fault


def locale_of(random: Random) -> Locale:
    return random.choice(LOCALES)


def column(random: Random, name: str, rows: int, locale: Locale) -> Column:
    """Make a column of any kind."""
    kind = random.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    made = KINDS[kind][1](random, name, rows, locale)
    made.words.insert(0, kind)
    return made


def numbers(random: Random, name: str, rows: int, locale: Locale) -> Column:
    """Make a column of numbers in one spelling, perhaps with missing cells and slips."""
    decimals = random.choice([0, 0, 1, 2, 2, 3, 3, 6])
    scale = random.choice([0.01, 1, 1, 10, 1e3, 1e5, 1e8])
    minus = random.choice(["-", "-", "-", "−", "–"])
    unit = random.choice(UNITS) if random.random() < 0.08 else ""
    money = random.choice(CURRENCIES) if random.random() < 0.03 else ""
    power = random.choice(["e", "E"]) if random.random() < 0.1 else ""
    bare = random.random() < 0.1  # .5 and 5. for 0.5 and 5
    plus = random.random() < 0.05
    pad = random.choice([0, 0, 0, 0, 8])
    holes = random.choice([0, 0, 0, 0.1, 0.5])
    few = random.random() < 0.25  # of few different values
    values = [random.gauss(0, scale) for _ in range(6 if few else rows)]
    words = [f"decimals {decimals}", f"locale {locale.decimal}{locale.between!r}"]
    words += [word for word in (unit, money, power, "few" if few else "") if word]
    cells: list[str] = []
    truth: list[float | None] = []
    for row in range(rows):
        value = values[row % len(values)] if not few else random.choice(values)
        if random.random() < holes:
            cells.append(random.choice(MISSING))
            truth.append(None)
            continue
        digits = f"{abs(value):.{decimals}f}"
        exponent = f"{power}{random.choice(['', '+', '-'])}0{random.randint(0, 6)}" if power else ""
        sign = value < 0
        truth.append(float(f"{'-' if sign else ''}{digits}{exponent}"))
        whole, _, fraction = digits.partition(".")
        if locale.between and not power:
            whole = grouped(whole, locale.between)
        if bare and fraction and whole == "0":
            whole = ""
        text = whole + (locale.decimal + fraction if fraction else "")
        text = (minus if sign else "+" if plus else "") + money + text + exponent + unit
        cells.append(text.rjust(pad) if pad else text)
    made = Column(name, cells, truth, words=words)
    made.sure = _sure(made)
    if random.random() < 0.06:
        made.harmed = True
        for _ in range(random.choice([1, 1, 3])):
            slip = random.choice(SLIPS)
            made.cells[random.randrange(rows)] = slip
            made.words.append(f"slip {slip}")
    return made


def grouped(whole: str, mark: str) -> str:
    """Write 1234567 as 1,234,567 with a mark."""
    head = len(whole) % 3
    parts = [whole[:head]] if head else []
    return mark.join(parts + [whole[at : at + 3] for at in range(head, len(whole), 3)])


def _sure(column: Column) -> bool:
    """Tell whether some cell shows what a point or a comma is; a column without either is sure."""
    marked = [cell for cell in column.cells if "." in cell or "," in cell]
    return not marked or any(_shows(cell) for cell in marked)


def _shows(cell: str) -> bool:
    digits = "".join(c for c in cell if c.isdigit() or c in ".,")
    points, commas = digits.count("."), digits.count(",")
    if points + commas != 1:
        return True
    whole, _, rest = digits.partition("." if points else ",")
    return len(rest) != 3 or not 1 <= len(whole) <= 3 or whole.startswith("0")


def integers(random: Random, name: str, rows: int, locale: Locale) -> Column:
    few = random.random() < 0.5
    values = [random.randint(-4, 9) if few else random.randint(0, 10**6) for _ in range(rows)]
    return Column(name, [str(value) for value in values], [float(value) for value in values])


def labels(random: Random, name: str, rows: int, locale: Locale) -> Column:
    chosen = random.choice(LABELS)
    return Column(name, [random.choice(chosen) for _ in range(rows)])


def booleans(random: Random, name: str, rows: int, locale: Locale) -> Column:
    pair = random.choice([("True", "False"), ("true", "false"), ("0", "1"), ("0.0", "1.0")])
    truth = None
    cells = [random.choice(pair) for _ in range(rows)]
    if pair[0][0] == "0":
        truth = [float(cell) for cell in cells]
    return Column(name, cells, truth)


DATES = [
    *("2024-{m:02}-{d:02}", "{d}.{m}.2024", "{m}/{d}/24", "{d} Jan 2024", "10:{d:02}"),
    *("2024-{m:02}-{d:02}T10:{d:02}:00", "2024-{m:02}"),
]


def dates(random: Random, name: str, rows: int, locale: Locale) -> Column:
    form = random.choice(DATES)
    cells = [form.format(m=random.randint(1, 12), d=random.randint(1, 28)) for _ in range(rows)]
    return Column(name, cells)


def texts(random: Random, name: str, rows: int, locale: Locale) -> Column:
    form = random.choice(["the {} quick brown foxes jumped over", "id-{}", '{{"a": [{}]}}', "x{}"])
    return Column(name, [form.format(random.randint(0, 10**6)) for _ in range(rows)])


def constants(random: Random, name: str, rows: int, locale: Locale) -> Column:
    cell = random.choice(["0", "1.5", "tcp", "", "NA"])
    number = cell in ("0", "1.5")
    return Column(name, [cell] * rows, [float(cell)] * rows if number else None)


def counters(random: Random, name: str, rows: int, locale: Locale) -> Column:
    begin = random.choice([0, 1, 1000, 1700000000])
    step = random.choice([1, 1, 60])
    values = [begin + step * row for row in range(rows)]
    return Column(name, [str(value) for value in values], [float(value) for value in values])


def odd(random: Random, name: str, rows: int, locale: Locale) -> Column:
    """Make a column of whatever characters there are."""
    alphabet = "aZ0 9.,;:\"'\t|\\/<>&%$#@!~`^*()[]{}-_=+?\u200b\u00e9\U0001f98a\ufeff\u202e"
    pool = ["".join(random.choices(alphabet, k=random.randint(0, 6))) for _ in range(5)]
    return Column(name, [random.choice(pool) for _ in range(rows)])


KINDS = {
    "numbers": (10, numbers),
    "integers": (3, integers),
    "labels": (3, labels),
    "booleans": (1, booleans),
    "dates": (0.5, dates),
    "texts": (0.3, texts),
    "constants": (0.7, constants),
    "counters": (0.5, counters),
    "odd": (0.3, odd),
}


def names(random: Random, count: int) -> list[str]:
    """Choose different names of columns, mostly plain."""
    if random.random() < 0.6:
        return [f"c{at}" for at in range(count)]
    return random.sample(NAMES, count)
