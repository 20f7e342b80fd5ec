"""Files of tables: columns in a container, with an encoding, and perhaps with damage."""

import csv
import gzip
import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

import pyarrow as pa
from pyarrow import feather, parquet

from . import cells
from .cells import Column

DELIMITERS = [",", ",", ";", ";", "\t", "|"]
ENCODINGS = [*["utf-8"] * 24, "utf-8-sig", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"]


@dataclass
class Table:
    """A file: its bytes, and what is known of its content.

    whole: is it as its writer meant it, so that its columns and rows count? due: exit status of
    `fit`, where only one is right.
    """

    name: str
    content: bytes
    columns: list[Column]
    whole: bool = True
    due: int | None = None
    words: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.columns[0].cells) if self.columns else 0


def table(random: Random, rows: int | None = None) -> Table:
    """Make a table of any kind."""
    rows = rows or random.choice([1, 3, 20, 20, 30, 30, 40, 60])
    locale = cells.locale_of(random)
    count = random.choice([1, 2, 3, 3, 4, 5])
    names = cells.names(random, count)
    columns = [cells.column(random, name, rows, locale) for name in names]
    if random.random() < 0.5:  # without columns that are to be refused, so that more is read
        columns = [c for c in columns if c.words[0] not in ("dates", "texts")] or columns
    container = random.choices(list(CONTAINERS), [weight for weight, _ in CONTAINERS.values()])[0]
    made = CONTAINERS[container][1](random, columns)
    made.words.insert(0, container)
    if random.random() < 0.12:
        damage(random, made)
    if random.random() < 0.08:
        made.content = gzip.compress(made.content, mtime=0)
        made.name += ".gz"
        made.words.append("gz")
        if random.random() < 0.2:
            damage(random, made)
    return made


def parts(random: Random) -> tuple[list[Table], list[Column]]:
    """Make files of the same columns, text or JSON lines, and the columns of all of them."""
    locale = cells.locale_of(random)
    columns = [cells.column(random, f"c{at}", 40, locale) for at in range(random.choice([2, 3, 4]))]
    columns = [c for c in columns if c.words[0] not in ("dates", "texts")] or columns
    ends = [0, *sorted(random.sample(range(1, 40), random.choice([1, 2]))), 40]
    made = []
    for start, stop in pairwise(ends):
        piece = [
            replace(c, cells=c.cells[start:stop], truth=c.truth and c.truth[start:stop])
            for c in columns
        ]
        made.append(as_text(random, piece) if random.random() < 0.8 else as_json(random, piece))
        if random.random() < 0.05:
            damage(random, made[-1])
    return made, columns


def others(random: Random, columns: list[Column]) -> Table:
    """Make a file of other rows of the same columns: their cells in another order, each its own."""
    moved = []
    for column in columns:
        order = random.sample(range(len(column.cells)), len(column.cells))
        truth = column.truth and [column.truth[at] for at in order]
        moved.append(replace(column, cells=[column.cells[at] for at in order], truth=truth))
    return as_text(random, moved)


# --- text -----------------------------------------------------------------------------------------


def as_text(random: Random, columns: list[Column]) -> Table:
    delimiter = random.choice(DELIMITERS)
    end = random.choice(["\n", "\n", "\n", "\r\n", "\r\n", "\r"])
    quoting = random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    encoding = random.choice(ENCODINGS)
    words = [f"delimiter {delimiter!r}", f"end {end!r}", f"quoting {quoting}", encoding]
    made = Table(f"table.{'tsv' if delimiter == chr(9) else 'csv'}", b"", columns, words=words)
    records = [[c.name for c in columns], *map(list, zip(*(c.cells for c in columns), strict=True))]
    if random.random() < 0.25:
        spoil = random.choice(SPOILS)
        records = spoil(random, records, made)
        made.words.append(spoil.__name__)
    sink = io.StringIO()
    if random.random() < 0.05:
        sink.write(f"sep={delimiter}{end}")
        made.words.append("sep=")
    csv.writer(sink, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(records)
    text = sink.getvalue()
    if random.random() < 0.2:
        text = text.removesuffix(end)
    if len(columns) == 1 and "" in columns[0].cells:
        made.whole = False  # an empty line in a single column, with many a writer
    try:
        made.content = text.encode(encoding)
    except UnicodeEncodeError:
        made.content = text.encode(encoding, "replace")
        made.whole = False
    return made


def no_header(random: Random, records: list, made: Table) -> list:
    made.whole = False
    return records[1:]


def header_again(random: Random, records: list, made: Table) -> list:
    made.whole = False
    at = random.randint(1, len(records))
    if len(records) > 2:
        made.due = 2
    return [*records[:at], records[0], *records[at:]]


def twin_names(random: Random, records: list, made: Table) -> list:
    if len(records[0]) > 1:
        records[0][1] = records[0][0]
        made.due = 2
    made.whole = False
    return records


def empty_name(random: Random, records: list, made: Table) -> list:
    records[0][random.randrange(len(records[0]))] = ""
    made.whole = False
    return records


def short_row(random: Random, records: list, made: Table) -> list:
    at = random.randrange(1, len(records))
    records[at] = records[at][:-1]
    made.whole = False
    return records


def long_row(random: Random, records: list, made: Table) -> list:
    at = random.randrange(1, len(records))
    records[at] = [*records[at], "9"]
    made.whole = False
    return records


def trailing(random: Random, records: list, made: Table) -> list:
    return [[*record, ""] for record in records]


def trailing_rows(random: Random, records: list, made: Table) -> list:
    return [records[0], *([*record, ""] for record in records[1:])]


def no_rows(random: Random, records: list, made: Table) -> list:
    made.whole, made.due = False, 2
    return records[:1]


def comment_first(random: Random, records: list, made: Table) -> list:
    made.whole = False
    return [["# exported by hand"], *records]


def units_row(random: Random, records: list, made: Table) -> list:
    made.whole = False
    return [records[0], ["[unit]"] * len(records[0]), *records[1:]]


def index_column(random: Random, records: list, made: Table) -> list:
    made.whole = False
    return [["" if at == 0 else str(at - 1), *record] for at, record in enumerate(records)]


def totals_row(random: Random, records: list, made: Table) -> list:
    made.whole = False
    return [*records, ["Total", *[""] * (len(records[0]) - 1)]]


SPOILS = [no_header, header_again, twin_names, empty_name, short_row, long_row, trailing,
          trailing_rows, no_rows, comment_first, units_row, index_column, totals_row]  # fmt: skip


# --- other containers -----------------------------------------------------------------------------


def arrow_table(random: Random, columns: list[Column]) -> pa.Table:
    """Make columns of numbers typed, or leave them text."""
    arrays = {}
    for made in columns:
        typed = made.truth is not None and not made.harmed and random.random() < 0.7
        values: list = made.truth if typed and made.truth else made.cells
        kinds = [pa.float64(), pa.float64(), pa.float32()] if typed else TEXT
        array = pa.array(values, random.choice(kinds))
        if not typed and random.random() < 0.2:
            array = array.cast(pa.string()).dictionary_encode()
            made.truth = None  # a dictionary is a category, by its type
        if typed and array.type == pa.float32():
            made.truth = array.to_pylist()
        made.sure = made.sure or typed
        arrays[made.name] = array
    return pa.table(arrays)


TEXT = [pa.string(), pa.large_string(), pa.string_view()]


def as_parquet(random: Random, columns: list[Column]) -> Table:
    sink = io.BytesIO()
    table = arrow_table(random, columns)
    table = pa.table(
        [
            column.cast(pa.string()) if column.type == pa.string_view() else column
            for column in table.columns
        ],
        names=table.column_names,
    )
    parquet.write_table(table, sink, compression=random.choice(["none", "snappy", "zstd"]))
    return Table("table.parquet", sink.getvalue(), columns)


def as_arrow(random: Random, columns: list[Column]) -> Table:
    sink = io.BytesIO()
    table = arrow_table(random, columns)
    if random.random() < 0.5:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return Table("table.arrow", sink.getvalue(), columns, words=["stream"])
    packed = random.choice(["uncompressed", "zstd", "lz4"])
    feather.write_feather(table, sink, compression=packed)
    return Table("table.feather", sink.getvalue(), columns, words=[packed])


def as_json(random: Random, columns: list[Column]) -> Table:
    rows = [
        {c.name: c.truth[at] if c.truth and not c.harmed else c.cells[at] for c in columns}
        for at in range(len(columns[0].cells))
    ]
    if random.random() < 0.7:
        content = "".join(json.dumps(row) + "\n" for row in rows)
        name = random.choice(["table.jsonl", "table.ndjson", "table.csv", "table.json"])
        return Table(name, content.encode(), columns, words=["lines"])
    return Table("table.json", json.dumps(rows).encode(), columns, words=["array"])


def as_zip(random: Random, columns: list[Column]) -> Table:
    inner = as_text(random, columns)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(random.choice(["table.csv", "xl/worksheets/sheet1.xml"]), inner.content)
    name = random.choice(["table.zip", "table.xlsx", "table.csv"])
    return Table(name, sink.getvalue(), columns, whole=False)


NOTHING = [
    b"",
    b"\n",
    b"\xef\xbb\xbf",
    b"\0" * 99,
    b'"',
    b",,,\n,,\n",
    b"PAR1PAR1",
    b"ARROW1\0\0",
    b"\x1f\x8b",
    b"<html><body>no</body></html>",
    b"{}",
    b"[]",
    b"{",
    b"\xff\xfe",
    b"a\n",
    b"SQLite format 3\0" + bytes(90),
    b"%PDF-1.7\n",
    b"sep=;\n",
    b"sep=",
    b'{"a": 1}\n{"b": 2}\n',
    b'{"a": 1, "a": 2}\n',
    b'{"a":' * 5000,
    b'{"a": [1, {"b": 2}]}\n',
    b'{"a": 1}\n[1]\n',
    b'{"": 1}\n{"": 2}\n',
    b'{"a": 1e999}\n{"a": NaN}\n',
    b"\r\r\r",
    b"a,b\r",
    b"null\n" * 9,
    b"\xff\xff\xff\xff\0\0\0\0",
]


def as_nothing(random: Random, columns: list[Column]) -> Table:
    """Make a file that holds no table at all."""
    content = random.choice([*NOTHING, random.randbytes(200)])
    name = random.choice(["table.csv", "table.parquet", "table.arrow", "table.json", "table.txt"])
    return Table(name, content, columns, whole=False)


CONTAINERS = {
    "text": (70, as_text),
    "parquet": (8, as_parquet),
    "arrow": (8, as_arrow),
    "json": (5, as_json),
    "zip": (2, as_zip),
    "nothing": (3, as_nothing),
}


# --- damage ---------------------------------------------------------------------------------------


def damage(random: Random, made: Table) -> None:
    """Change bytes of a file."""
    made.content, word = damaged(random, made.content)
    made.words.append(word)
    made.whole, made.due = False, None


def damaged(random: Random, content: bytes) -> tuple[bytes, str]:
    """Change some bytes: flipped, cut, swapped, doubled, set to NUL."""
    if not content:
        return content, "nothing to damage"
    at, to = sorted((random.randrange(len(content)), random.randrange(len(content))))
    way = random.choice(["flip", "flip", "cut", "swap", "double", "zero", "insert", "drop"])
    if way == "flip":
        changed = bytearray(content)
        changed[at] ^= 1 << random.randrange(8)
        content = bytes(changed)
    elif way == "cut":
        content = content[:at]
    elif way == "swap":
        middle = (at + to) // 2
        content = content[:at] + content[middle:to] + content[at:middle] + content[to:]
    elif way == "double":
        content = content[:to] + content[at:]
    elif way == "zero":
        content = content[:at] + bytes(min(8, len(content) - at)) + content[at + 8 :]
    elif way == "insert":
        content = content[:at] + random.randbytes(random.randint(1, 9)) + content[at:]
    else:
        content = content[:at] + content[at + random.randint(1, 9) :]
    return content, f"{way} at {at} of {len(content)}"
