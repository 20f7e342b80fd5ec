"""Malformed tables and models, each through the command line: a line or a whole result, never more.

Every case is made from a seed. The property is the same for all of them: exit status 0 and a whole
output with finite scores, or 2, one line on stderr that says where, and no file changed.
"""

import gzip
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
import typer
from pyarrow import feather, parquet

from alad import cli, storage
from alad.data.reading import read_table, write_table

pytestmark = pytest.mark.filterwarnings("ignore:of .* rows? some hold what no learnt one did")

SEED = 20181
ROWS = 30
DETECTORS = ("knn", "knn", "isolation-forest", "knn", "oc-svm", "alad", "knn")  # by turns
LONGEST = 300  # characters of a message


# --- tables ---------------------------------------------------------------------------------------


class Case(NamedTuple):
    name: str
    file: str
    content: bytes
    due: int | None = None  # exit status of fit, where only one is right


def normal(rows: int = ROWS, seed: int = SEED) -> pa.Table:
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, 3)).round(6)
    kinds = generator.choice(["tcp", "udp", "icmp"], rows)
    return pa.table({**{name: numbers[:, i] for i, name in enumerate("abc")}, "kind": kinds})


def text(table: pa.Table, delimiter: str = ",", end: str = "\n") -> str:
    lines = [table.column_names, *(row.values() for row in table.to_pylist())]
    return "".join(delimiter.join(map(str, line)) + end for line in lines)


def parquet_bytes(table: pa.Table) -> bytes:
    parquet.write_table(table, sink := io.BytesIO())
    return sink.getvalue()


def arrow_bytes(table: pa.Table) -> bytes:
    feather.write_feather(table, sink := io.BytesIO(), compression="uncompressed")
    return sink.getvalue()


def stream_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def with_cells(*cells: str, column: int = 0) -> bytes:
    """The normal table as CSV, the first cells of one column replaced."""
    lines = [line.split(",") for line in text(normal()).splitlines()]
    for line, cell in zip(lines[1:], cells, strict=False):
        line[column] = cell
    return "\n".join(",".join(line) for line in lines).encode() + b"\n"


def column_of(cell: Callable[[int], str]) -> bytes:
    """The normal table as CSV, its first column made of cell(0), cell(1), …"""
    return with_cells(*(cell(i) for i in range(ROWS)))


def texts() -> Iterator[Case]:
    """CSV and TSV as people and programs spoil them."""
    whole = text(normal())
    head, *lines = whole.splitlines()
    wide = ",".join(f"column{i}" for i in range(10_000))
    narrower = ",".join(f"column{i}" for i in range(1_000))
    for name, content, due in [
        ("empty", "", 2),
        ("blank", "\n\n  \n", 2),
        ("only a mark", b"\xef\xbb\xbf", 2),
        ("only NUL", b"\0" * 500, 2),
        ("only quotes", '"' * 99, 2),
        ("only delimiters", ",,,\n,,,\n,,,\n", 2),
        ("header only", head + "\n", 2),
        ("header without end", head, 2),
        ("one row", f"{head}\n{lines[0]}\n", None),
        ("two rows", "\n".join([head, *lines[:2]]), None),
        ("one column", "a\n" + "".join(f"{i % 7}\n" for i in range(ROWS)), 0),
        ("one cell", "a\n1\n", None),
        ("constant", "a,b\n" + "1,2\n" * ROWS, 0),
        ("NaN everywhere", head + "\n" + "nan,NaN,NA,?\n" * ROWS, 2),
        ("nothing everywhere", head + "\n" + ",,,\n" * ROWS, 2),
        ("one number, else nothing", head + "\n1,,,\n" + ",,,\n" * ROWS, 0),
        ("a column of NaN", column_of(lambda i: "NaN"), 0),
        ("a column of nothing", column_of(lambda i: ""), 0),
        ("infinity", with_cells("1", "inf"), 2),
        ("minus infinity", with_cells("-Infinity"), 2),
        ("beyond float64", with_cells("1e999"), 2),
        ("huge", column_of(lambda i: f"{i * 7 % 31 - 15}e307"), 0),
        ("some huge", with_cells("1e308", "-1e308", "1e300"), 0),
        ("tiny", column_of(lambda i: f"{i}e-320"), 0),
        ("huge and tiny", column_of(lambda i: f"{i + 1}e{300 * (-1) ** i}"), 0),
        ("400 digits", with_cells("9" * 400), 2),
        ("300 digits", column_of(lambda i: "9" * (290 + i % 9)), 0),
        ("text among numbers", with_cells("1", "oops"), None),
        ("hexadecimal", column_of(lambda i: hex(i)), None),
        ("thousands", column_of(lambda i: f'"{i + 1},{i:03}"'), None),
        ("dates", column_of(lambda i: f"2024-01-{i + 1:02}"), 2),
        ("times", column_of(lambda i: f"2024-01-01 10:{i + 1:02}:00"), 2),
        (
            "free text",
            column_of(lambda i: f"the quick brown fox {i} jumps over the lazy dog"),
            None,
        ),
        ("long cells", column_of(lambda i: f"{i}" + "x" * 30_000), None),
        ("JSON cells", column_of(lambda i: f'"{{""a"": [{i}, {i}]}}"'), None),
        ("short line", whole + "1,2\n", 2),
        ("long line", whole + "1,2,3,tcp,5,6\n", 2),
        ("a very long line", whole + "1," * 50_000 + "\n", 2),
        ("a line beyond a block", whole + "x" * (17 << 20) + "\n", 2),
        ("open quote", whole.replace("tcp", '"tcp', 1), 2),
        ("quote within", whole.replace("tcp", 't"c"p'), None),
        ("quoted lines", whole.replace("tcp", '"t\nc\r\np"'), 0),
        ("quoted delimiters", whole.replace("tcp", '"t,c,p"'), 0),
        ("twins", whole.replace("b", "a", 1), 2),
        ("twins by space", whole.replace("b", "a ", 1), None),
        ("no name", whole.replace("b", "", 1), 2),
        ("name of spaces", whole.replace("b", "  ", 1), None),
        ("name of lines", whole.replace("b", '"b\nb\r\nb"', 1), None),
        ("name of escapes", whole.replace("b", "\x1b[31mred\x07", 1), None),
        ("name of 50,000 letters", whole.replace("b", "b" * 50_000, 1), None),
        ("date in a column of 50,000 letters", "d" * 50_000 + "\n" + "2024-01-01\n" * ROWS, 2),
        ("name of markup", whole.replace("b", "[bold]b[/]", 1), 0),
        ("name of ours", whole.replace("b", "anomaly_score", 1), None),
        ("no header", "\n".join(lines).replace("tcp", "1"), None),
        ("numbers only", "1,2\n3,4\n5,6\n", 2),
        ("1,000 columns", f"{narrower}\n" + (",".join(["1"] * 1_000) + "\n") * 3, 0),
        (
            "10,000 columns of dates",
            f"{wide}\n" + (",".join(["2024-01-01"] * 10_000) + "\n") * 3,
            2,
        ),
        ("mixed ends", "".join(line + "\r\n"[i % 2 :] for i, line in enumerate([head, *lines])), 0),
        ("old ends", whole.replace("\n", "\r"), None),
        ("blank lines between", whole.replace("\n", "\n\n"), 0),
        ("comments", "# made by hand\n" + whole, 2),
        ("wrong delimiter", whole.replace(",", "^"), None),
        ("spaces", whole.replace(",", " , "), None),
        ("semicolons and commas", whole.replace(",", ";").replace(".", ","), 0),
        ("HTML", "<html>\n<body>no, such table</body>\n</html>\n", None),
        ("JSON", json.dumps(normal().to_pylist()), 2),
        ("NUL within", whole.replace("tcp", "t\0p"), 2),
        ("NUL far down", whole + f"1,2,3,{'x' * 500}\n" * 200 + "1,2,3,t\0p\n", None),
        ("control characters", whole.replace("tcp", "\x01\x02\x7f"), None),
        ("emoji", whole.replace("tcp", "🦊\u200d\u202e"), 0),
        ("UTF-8 with mark", whole.encode("utf-8-sig"), 0),
        ("UTF-16 with mark", whole.encode("utf-16"), 2),
        ("UTF-16 without", whole.encode("utf-16-be"), 2),
        ("UTF-32", whole.encode("utf-32"), 2),
        ("latin-1 cell", whole.replace("tcp", "é").encode("latin-1"), 2),
        ("latin-1 name", whole.replace("kind", "größe").encode("latin-1"), 2),
        ("Shift-JIS", whole.replace("tcp", "日本").encode("shift-jis"), 2),
        ("half a character", whole.encode() + b"1,2,3,\xe2\x82\n", 2),
        ("surrogates", whole.encode().replace(b"tcp", b"\xed\xa0\x80", 1), 2),
        ("PNG", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, 2),
        ("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)), 2),
        ("Excel", b"PK\x03\x04" + bytes(300), 2),
        ("pickle", pickle.dumps(normal().to_pylist()), 2),
    ]:
        suffix = "tsv" if len(name) % 3 == 0 else "csv"
        yield Case(
            name, f"bad.{suffix}", content if isinstance(content, bytes) else content.encode(), due
        )


def typed() -> Iterator[tuple[str, Any, int]]:
    """Columns of types that files have and CSV has not: (name, Arrow array, status of fit)."""
    few = [i % 5 for i in range(ROWS)]
    yield "lists", pa.array([[i] for i in few]), 2
    yield "structs", pa.array([{"x": i} for i in few]), 2
    yield "maps", pa.array([[("k", i)] for i in few], pa.map_(pa.string(), pa.int8())), 2
    yield "bytes", pa.array([b"\xff"] * ROWS), 2
    yield "dates", pa.array(few, pa.date32()), 2
    yield "timestamps", pa.array(few, pa.timestamp("ns", "UTC")), 2
    yield "times", pa.array(few, pa.time64("us")), 2
    yield "durations", pa.array(few, pa.duration("s")), 2
    yield "dictionary", pa.array(list(map(str, few))).dictionary_encode(), 0
    yield "dictionary of numbers", pa.array(few).dictionary_encode(), 0
    yield "dictionary of dates", pa.array(few, pa.date32()).dictionary_encode(), 2
    yield "dictionary with null", pa.array([None, *few[1:]]).dictionary_encode(), 0
    yield "decimals", pa.array([Decimal(i) / 8 for i in few], pa.decimal128(38, 20)), 0
    yield "long decimals", pa.array([Decimal(10) ** (60 + i) for i in few], pa.decimal256(76)), 0
    yield "beyond 2^53", pa.array([2**53 + i for i in few], pa.int64()), 0
    yield "unsigned", pa.array([2**64 - 1 - i for i in few], pa.uint64()), 0
    yield "halves", pa.array(np.array(few, np.float16)), 0
    yield "nulls", pa.nulls(ROWS), 0
    yield "NaN", pa.array([np.nan] * ROWS), 0
    yield "infinity", pa.array([np.inf, *few[1:]], pa.float64()), 2
    yield "float32 limits", pa.array([3e38, -3e38, *few[2:]], pa.float32()), 0
    yield "booleans", pa.array([i > 2 for i in few]), 0
    yield "large text", pa.array(list(map(str, few)), pa.large_string()), 0
    yield "empty text", pa.array([""] * ROWS), 0


def typed_files() -> Iterator[Case]:
    for number, (name, column, due) in enumerate(typed()):
        table = normal().append_column("odd", column)
        make, suffix = ((parquet_bytes, "parquet"), (arrow_bytes, "arrow"))[number % 2]
        yield Case(f"{suffix}: {name}", f"bad.{suffix}", make(table), due)
    nothing = pa.table({"a": pa.array([], pa.float64())})
    twins = pa.table([[1.0], [2.0]], names=["a", "a"])
    for name, content, due in [
        ("no rows", parquet_bytes(nothing), 2),
        ("no columns", parquet_bytes(normal().select([])), 2),
        ("no columns, arrow", arrow_bytes(normal().select([])), 2),
        ("twins, arrow", arrow_bytes(twins), 2),
        ("empty name", parquet_bytes(normal().rename_columns(["a", "", "c", "kind"])), None),
        ("a stream in a file", stream_bytes(normal()), 0),
        ("a stream without rows", stream_bytes(normal(0)), 2),
        ("parquet called csv", parquet_bytes(normal()), 0),
        ("marks alone", b"PAR1PAR1", 2),
        ("a mark alone", b"ARROW1", 2),
    ]:
        yield Case(name, "bad.csv", content, due)


WHOLE = {
    "csv": text(normal()).encode(),
    "tsv": text(normal(), "\t").encode(),
    "parquet": parquet_bytes(normal()),
    "arrow": arrow_bytes(normal()),
    "stream.arrow": stream_bytes(normal()),
    "csv.gz": gzip.compress(text(normal()).encode(), mtime=0),
    "parquet.gz": gzip.compress(parquet_bytes(normal()), mtime=0),
}


def damaged_files() -> Iterator[Case]:
    """Whole files cut short, with changed bytes, or with something after their end."""
    generator = np.random.default_rng(SEED)
    for suffix, whole in WHOLE.items():
        for share in (0.05, 0.5, 0.9, 0.99):
            content = whole[: int(share * len(whole))]
            yield Case(f"{suffix} cut at {share}", f"bad.{suffix}", content)
        for number in range(4):
            yield Case(f"{suffix} changed {number}", f"bad.{suffix}", flipped(whole, generator))
        yield Case(f"{suffix} with a tail", f"bad.{suffix}", whole + generator.bytes(40))
    yield Case("gz of nothing", "bad.csv.gz", gzip.compress(b""), 2)
    yield Case("gz of gz", "bad.csv.gz", gzip.compress(WHOLE["csv.gz"]), 2)
    yield Case(
        "gz in two parts",
        "bad.csv.gz",
        gzip.compress(WHOLE["csv"][:99]) + gzip.compress(WHOLE["csv"][99:]),
        0,
    )


def flipped(whole: bytes, generator: np.random.Generator, count: int = 3) -> bytes:
    changed = bytearray(whole)
    for place in generator.integers(0, len(whole), count):
        changed[place] ^= 1 << int(generator.integers(8))
    return bytes(changed)


TABLES = [*texts(), *typed_files(), *damaged_files()]


# --- models ---------------------------------------------------------------------------------------


Damage = Callable[[Path], None]  # of a copy of a model's folder
JUNK = (None, "x", "", -1, 0, 1e308, 10**30, True, [], {}, [None], {"a": None}, float("nan"))


def manifest_of(folder: Path) -> Path:
    return folder / "manifest.json"


def arrays_of(folder: Path) -> Path:
    return next(folder.glob("arrays-*"))


def reseal(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest and compute its checksum anew, as someone might who knows how."""
    stored = json.loads(manifest_of(folder).read_text())
    del stored["sha256"]
    change(stored)
    plain = json.dumps(stored, sort_keys=True, separators=(",", ":"))
    stored["sha256"] = hashlib.sha256(plain.encode()).hexdigest()
    manifest_of(folder).write_text(json.dumps(stored))


def refill(folder: Path, content: bytes) -> None:
    """Other bytes in place of the arrays, with the right checksums."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"arrays-{digest[:16]}.safetensors"
    arrays_of(folder).unlink()
    (folder / name).write_bytes(content)
    reseal(folder, lambda stored: stored.update(arrays={"file": name, "sha256": digest}))


def rearray(folder: Path, change: Callable[[np.random.Generator, dict[str, Any]], None]) -> None:
    from safetensors.numpy import load, save

    arrays = load(arrays_of(folder).read_bytes())
    change(np.random.default_rng(SEED), arrays)
    refill(folder, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The path of every value in a JSON value, but for the training history."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield from places(item, (*path, key))


def replace(stored: Any, path: tuple, value: Any) -> None:
    for key in path[:-1]:
        stored = stored[key]
    stored[path[-1]] = value


def remove(stored: Any, path: tuple) -> None:
    for key in path[:-1]:
        stored = stored[key]
    del stored[path[-1]]


def junk_in(number: int) -> Damage:
    """A value of the manifest, chosen by the number, replaced or removed; checksum made to fit."""

    def change(stored: dict[str, Any]) -> None:
        generator = np.random.default_rng([SEED, number])
        known = [path for path in places(stored["content"]) if path and path[0] != "training"]
        chosen = ("content", *known[generator.integers(len(known))])
        junk = JUNK[generator.integers(len(JUNK))]
        remove(stored, chosen) if number % 5 == 0 else replace(stored, chosen, junk)

    return lambda folder: reseal(folder, change)


def set_to(value: Any, *path: Any) -> Damage:
    return lambda folder: reseal(folder, lambda stored: replace(stored, path, value))


def without(*path: Any) -> Damage:
    return lambda folder: reseal(folder, lambda stored: remove(stored, path))


def edited(value: Any, *path: Any) -> Damage:
    """Set, and no checksum made anew."""

    def change(folder: Path) -> None:
        stored = json.loads(manifest_of(folder).read_text())
        replace(stored, path, value)
        manifest_of(folder).write_text(json.dumps(stored))

    return change


def each_array(change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    def change_all(generator: np.random.Generator, arrays: dict[str, Any]) -> None:
        for name, array in arrays.items():
            arrays[name] = change(array)

    return lambda folder: rearray(folder, change_all)


def one_array(number: int, change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    def change_one(generator: np.random.Generator, arrays: dict[str, Any]) -> None:
        name = sorted(arrays)[number % len(arrays)]
        arrays[name] = change(arrays[name])

    return lambda folder: rearray(folder, change_one)


def filled(value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: np.full_like(array, value) if array.dtype.kind == "f" else array


def bytes_of(path_of: Callable[[Path], Path], change: Callable[[bytes], bytes]) -> Damage:
    def apply(folder: Path) -> None:
        path = path_of(folder)
        path.write_bytes(change(path.read_bytes()))

    return apply


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda content: content[: int(share * len(content))]


def bits(seed: int) -> Callable[[bytes], bytes]:
    return lambda content: flipped(content, np.random.default_rng([SEED, seed]), 1)


def as_a_folder(path_of: Callable[[Path], Path]) -> Damage:
    def apply(folder: Path) -> None:
        path = path_of(folder)
        path.unlink()
        path.mkdir()

    return apply


def as_a_link(target: str | None) -> Damage:
    """The folder elsewhere with a link in its place; or a link to nowhere, or to itself."""

    def apply(folder: Path) -> None:
        if target is None:
            shutil.move(folder, folder.with_name("elsewhere"))
        else:
            shutil.rmtree(folder)
        folder.symlink_to(target or "elsewhere")

    return apply


def as_a_checkpoint(folder: Path) -> None:
    shutil.rmtree(folder)
    storage.write(folder, "checkpoint", {"step": 1}, {"a": np.zeros(3)})


def as_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"a,b\n1,2\n")


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def torch_header(folder: Path) -> None:
    """A header that claims an array beyond the end of the file."""
    header = json.dumps(
        {"rows": {"dtype": "F32", "shape": [10**9, 4], "data_offsets": [0, 16 * 10**9]}}
    )
    refill(folder, len(header).to_bytes(8, "little") + header.encode() + bytes(64))


class Bomb:
    """Unpickled, it would create the file that the test looks for."""

    def __reduce__(self) -> tuple:
        return (os.mkdir, ("exploded",))


BOMB = pickle.dumps(Bomb())

DAMAGES: dict[str, tuple[Damage, int | None]] = {
    "empty folder": (emptied, 2),
    "no folder": (shutil.rmtree, 2),
    "a file": (as_a_file, 2),
    "a link": (as_a_link(None), 0),
    "a link to nowhere": (as_a_link("nowhere"), 2),
    "a link to itself": (as_a_link("model"), 2),
    "a checkpoint": (as_a_checkpoint, 2),
    "no manifest": (lambda folder: manifest_of(folder).unlink(), 2),
    "no arrays": (lambda folder: arrays_of(folder).unlink(), 2),
    "manifest is a folder": (as_a_folder(manifest_of), 2),
    "arrays are a folder": (as_a_folder(arrays_of), 2),
    "renamed arrays": (lambda folder: arrays_of(folder).rename(folder / "weights"), 2),
    "renamed manifest": (lambda folder: manifest_of(folder).rename(folder / "Manifest.json"), 2),
    "an extra file": (lambda folder: (folder / "notes.txt").write_text("ours"), 0),
    "more arrays": (lambda folder: (folder / "arrays-0.safetensors").write_bytes(b"?"), 0),
    **{f"manifest cut at {s}": (bytes_of(manifest_of, cut(s)), 2) for s in (0, 0.3, 0.9, 0.999)},
    **{f"arrays cut at {s}": (bytes_of(arrays_of, cut(s)), 2) for s in (0, 0.01, 0.5, 0.999)},
    **{f"manifest bit {i}": (bytes_of(manifest_of, bits(i)), None) for i in range(6)},
    **{f"arrays bit {i}": (bytes_of(arrays_of, bits(i)), 2) for i in range(4)},
    "manifest of UTF-16": (bytes_of(manifest_of, lambda b: b.decode().encode("utf-16")), None),
    "manifest of junk": (bytes_of(manifest_of, lambda b: bytes(range(256))), 2),
    "manifest of a number": (bytes_of(manifest_of, lambda b: b"7"), 2),
    "manifest without end": (bytes_of(manifest_of, lambda b: b'{"a":' * 50_000), 2),
    "manifest of long digits": (bytes_of(manifest_of, lambda b: b'{"a":' + b"9" * 9_999 + b"}"), 2),
    "edited offset": (edited(0.0, "content", "offset"), 2),
    "edited kind": (edited("checkpoint", "kind"), 2),
    "edited sum": (edited("0" * 64, "sha256"), 2),
    "edited sum of arrays": (edited(None, "arrays", "sha256"), 2),
    "newer schema": (edited(storage.SCHEMA_VERSION + 1, "schema_version"), 2),
    "newer schema, sealed": (set_to(99, "schema_version"), 2),
    "schema of text": (set_to("1", "schema_version"), 2),
    "no schema": (without("schema_version"), 2),
    "schema 0": (set_to(0, "schema_version"), 2),
    "kind of a list": (set_to(["model"], "kind"), 2),
    "kind unknown": (set_to("table", "kind"), 2),
    "format of another": (set_to("onnx", "format"), 2),
    "content null": (set_to(None, "content"), 2),
    "content a list": (set_to([], "content"), 2),
    "arrays null": (set_to(None, "arrays"), 2),
    "arrays without a file": (without("arrays", "file"), 2),
    "arrays elsewhere": (set_to("../../etc/passwd", "arrays", "file"), 2),
    "arrays of no name": (set_to("", "arrays", "file"), 2),
    "arrays named by a number": (set_to(7, "arrays", "file"), 2),
    "arrays with NUL": (set_to("a\0b", "arrays", "file"), 2),
    "unknown detector": (set_to("crystal-ball", "content", "detector"), 2),
    "detector of a list": (set_to(["knn"], "content", "detector"), 2),
    # a model scores as it is, whatever detector it is said to be of (`estimator` refuses it), and
    # whatever parameters that had
    "another detector": (set_to("dagmm", "content", "detector"), 0),
    "unknown parameter": (set_to(1, "content", "params", "colour"), 0),
    "unknown value of the model": (set_to(1, "content", "model", "colour"), None),
    "unknown kind of model": (set_to("crystal", "content", "model", "kind"), 2),
    "kind of another model": (set_to("density", "content", "model", "kind"), 2),
    "kind of a model of a list": (set_to(["neighbours"], "content", "model", "kind"), 2),
    "model null": (set_to(None, "content", "model"), 2),
    "model of text": (set_to("neighbours", "content", "model"), 2),
    "engine unknown": (set_to("steam", "content", "engine"), None),
    "engine of a list": (set_to(["c"], "content", "engine"), None),
    "no parameters": (without("content", "params"), 2),
    "no encoder": (without("content", "encoder"), 2),
    "offset of text": (set_to("low", "content", "offset"), 2),
    "offset NaN": (set_to(float("nan"), "content", "offset"), 2),
    "no model": (without("content", "model"), 2),
    "training null": (set_to(None, "content", "training"), 2),
    "no codes": (set_to([], "content", "encoder", "codes"), 2),
    "codes of text": (set_to("abcd", "content", "encoder", "codes"), 2),
    "kept beyond": (set_to([0, 1, 2, 99], "content", "encoder", "kept"), 2),
    "kept twice": (set_to([0, 1, 1, 3], "content", "encoder", "kept"), 2),
    "names of numbers": (set_to([1, 2, 3, 4], "content", "encoder", "names"), 2),
    "unit 0": (set_to(0.0, "content", "encoder", "codes", 0, "unit"), 2),
    "unit of text": (set_to("1", "content", "encoder", "codes", 0, "unit"), 2),
    "no warp": (set_to({}, "content", "encoder", "codes", 0, "warp"), None),  # "none" needs none
    "levels null": (set_to(None, "content", "encoder", "codes", 3, "levels"), 2),
    "arrays NaN": (each_array(filled(np.nan)), 2),
    "arrays infinite": (
        each_array(filled(np.inf)),
        None,
    ),  # a threshold may be: no row is right of it
    "arrays empty": (each_array(lambda array: array[:0]), 2),
    "arrays flat": (each_array(np.ravel), None),
    "arrays deeper": (each_array(lambda array: array[np.newaxis]), 2),
    "arrays of bytes": (each_array(lambda array: array.astype(np.int8)), 2),
    "arrays of float64": (each_array(lambda array: array.astype(np.float64)), None),
    "one NaN": (one_array(0, filled(np.nan)), None),
    "one infinite": (one_array(3, filled(-np.inf)), None),
    "one shorter": (one_array(1, lambda array: array[..., :-1]), 2),
    "one too long": (one_array(2, lambda array: np.concatenate([array, array])), None),
    "an array too many": (lambda f: rearray(f, lambda _, a: a.update(spare=np.zeros(3))), 2),
    "no array": (lambda f: rearray(f, lambda _, a: a.clear()), 2),
    "pickle for arrays": (bytes_of(arrays_of, lambda b: BOMB), 2),
    "pickle for arrays, sealed": (lambda folder: refill(folder, BOMB), 2),
    "pickle for a manifest": (bytes_of(manifest_of, lambda b: BOMB), 2),
    "a header that lies": (torch_header, 2),
    **{f"junk {i}": (junk_in(i), None) for i in range(40)},
}


# --- the property ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    """An intact model of each detector, of the normal table."""
    folder = tmp_path_factory.mktemp("models")
    write_table(normal(), folder / "normal.csv")
    made = {name: folder / name for name in sorted(set(DETECTORS))}
    for name, model in made.items():
        assert cli.run(fit_command(folder / "normal.csv", model, name)) == 0
    return made


COMMAND = typer.main.get_command(cli.app)  # building it anew takes longer than most cases


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(typer.main, "get_command", lambda app: COMMAND)
    return tmp_path


UNUSED = "columns that were not there at fit are left unused"  # is no refusal


def fit_command(table: str | Path, model: str | Path, detector: str) -> list[str]:
    steps = ["--max-steps", "2"] if detector == "alad" else []
    return ["fit", str(table), "-o", str(model), "--detector", detector, *steps, "-q"]


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below the folder with its bytes; other things with None."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def outcome(capfd, command: list[str], *, naming: tuple[str, ...], output: str) -> int:
    """Carry out the command here and hold it to the property; -> its status."""
    before = snapshot(Path())
    status = cli.run(command)
    out, err = capfd.readouterr()
    err = re.sub(f"alad: warning: {UNUSED}.*\n", "", err)
    after = snapshot(Path())
    assert "Traceback" not in err
    assert status in (0, 2), err
    if status == 2:
        assert out == ""
        assert err.startswith("alad: ") and err.endswith("\n") and err.count("\n") == 1, err
        assert 10 < len(err) < LONGEST, (len(err), err)
        assert err.isprintable() or err[:-1].isprintable(), err
        assert any(word in err for word in naming), err
        assert after == before
    else:
        assert err == ""
        changed = {name for name in before | after if before.get(name, 0) != after.get(name, 0)}
        assert all(name == output or name.startswith(f"{output}/") for name in changed), changed
        assert not [name for name in after if "/." in f"/{name}"], sorted(after)
    return status


def check_scored(table: str, scored: str) -> None:
    """The rows of the table, each with a finite score."""
    result = read_table(scored)
    scores = result["anomaly_score"].to_numpy().astype(np.float64)
    assert result.num_rows == read_table(table).num_rows
    assert np.isfinite(scores).all()


@pytest.mark.filterwarnings(f"default:{UNUSED}")
@pytest.mark.parametrize("number", range(len(TABLES)), ids=lambda i: TABLES[i].name)
def test_tables(place, models, capfd, number):
    """Fitted on, scored by what was learnt from it, and scored by an intact model."""
    _, file, content, due = TABLES[number]
    Path(file).write_bytes(content)
    small = len(content) < 12_000
    detector = DETECTORS[number % len(DETECTORS)] if small else "isolation-forest"
    result = ("scored.csv", "scored.parquet")[number % 2]
    if number % 3:  # an earlier output is there
        shutil.copytree(models["knn"], "model")
        Path(result).write_bytes(b"a,b\n1,2\n")
    naming = (file, "column ")
    fitted = outcome(capfd, fit_command(file, "model", detector), naming=naming, output="model")
    if due is not None:
        assert fitted == due
    for model in ["model"] * (fitted == 0) + [str(models[detector])]:
        command = ["score", model, file, "-o", result, "-q"]
        status = outcome(capfd, command, naming=naming, output=result)
        if status == 0:
            check_scored(file, result)
        if model == "model":
            taken = b"anomaly_score" in content[:200]
            assert status == (2 if taken else 0)


@pytest.mark.parametrize("number", range(len(DAMAGES)), ids=lambda i: list(DAMAGES)[i])
def test_models(place, models, capfd, number):
    """Asked what it is, and scored with."""
    damage, due = list(DAMAGES.values())[number]
    for detector in sorted(models) if number % 4 == 0 else ["knn", "alad"][number % 2 :][:1]:
        Path("new.csv").write_bytes(WHOLE["csv"])
        shutil.copytree(models[detector], "model")
        damage(Path("model"))
        if number % 2:
            Path("scored.csv").write_bytes(b"a,b\n1,2\n")
        command = ["score", "model", "new.csv", "-o", "scored.csv", "-q"]
        status = outcome(capfd, command, naming=("model", "column "), output="scored.csv")
        if status == 0:
            check_scored("new.csv", "scored.csv")
        if due is not None:
            assert status == due, detector
        assert cli.run(["info", "model", *["--json"] * (number % 2)]) in (0, 2)
        out, err = capfd.readouterr()
        assert bool(out) != bool(err) and err.count("\n") <= 1 and "Traceback" not in err
        assert not Path("exploded").exists()
        for path in Path().iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def test_there_are_as_many_cases_as_promised():
    assert len(TABLES) >= 140 and len(DAMAGES) >= 60
    assert len({case.name for case in TABLES}) == len(TABLES)


def test_the_bomb_is_one(place):
    """Otherwise its silence would say nothing."""
    pickle.loads(BOMB)
    assert Path("exploded").is_dir()


@pytest.mark.parametrize(
    ("stream", "status", "out", "err"),
    [
        ("stdin", 2, "", "alad: standard input: is closed"),
        ("stdout", 2, "", "alad: standard output is closed"),
        ("stderr", 0, "a,b,c,kind,anomaly_score,is_anomaly\n", ""),
    ],
)
def test_closed_streams(place, models, capfd, monkeypatch, stream, status, out, err):
    """Python has None for a stream that was closed before it began."""
    Path("new.csv").write_bytes(WHOLE["csv"])
    monkeypatch.setattr(sys, stream, None)
    source = "-" if stream == "stdin" else "new.csv"
    assert cli.run(["score", str(models["knn"]), source]) == status
    shown, said = capfd.readouterr()
    assert shown.startswith(out) and said.startswith(err)
    assert shown.count("\n") == (0 if status else ROWS + 1) and said.count("\n") == bool(err)
