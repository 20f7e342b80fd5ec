"""What is packed or comes from a pipe is read in batches, too, and kept meanwhile on disk."""

import gzip
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from alad.data import json_lines, reading, rewinding
from alad.data.reading import read_batches
from alad.errors import InputError

ROWS = 3_000
TABLE = pa.table({"n": range(ROWS), "kind": ["tcp", "udp", None] * (ROWS // 3)})


class Pipe(io.RawIOBase):
    """A stream that cannot go back, and notes how much it is asked for at once."""

    def __init__(self, content: bytes):
        self._content, self.asked = io.BytesIO(content), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.asked = max(self.asked, len(buffer))
        return self._content.readinto(buffer)

    def readall(self) -> bytes:
        raise AssertionError("a stream is read block by block")


class Stdin:
    """Standard input from a pipe."""

    def __init__(self, content: bytes):
        self.pipe = Pipe(content)
        self.buffer = io.BufferedReader(self.pipe, 64)


def of_parquet(file: IO[bytes]) -> None:
    parquet.write_table(TABLE, file, row_group_size=500)


def of_arrow(file: IO[bytes]) -> None:
    with pa.ipc.new_file(file, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=500)


def of_json(file: IO[bytes]) -> None:
    json_lines.write(TABLE, file)


FORMATS = {"parquet": of_parquet, "arrow": of_arrow, "jsonl": of_json}


@pytest.fixture
def short_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for a few rows, and a folder of its own for temporary files."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(json_lines, "BLOCK", 4_000)
    monkeypatch.setattr(reading, "HEAD", 500)
    monkeypatch.setattr(rewinding, "IN_MEMORY", 2_000)
    monkeypatch.setattr(rewinding, "AT_ONCE", 1_000)


def kept_files(monkeypatch: pytest.MonkeyPatch) -> list[IO[bytes]]:
    """List the files that streams are kept in from now on."""
    kept, usual = [], rewinding.temporary_file

    def opened(*given: Any) -> IO[bytes]:
        kept.append(usual(*given))
        return kept[-1]

    monkeypatch.setattr(rewinding, "temporary_file", opened)
    return kept


@pytest.mark.usefixtures("short_memory")
@pytest.mark.parametrize("way", ["packed", "pipe", "packed pipe"])
@pytest.mark.parametrize("written", FORMATS)
def test_a_stream_is_read_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, way: str
):
    sink = io.BytesIO()
    FORMATS[written](sink)
    content = gzip.compress(sink.getvalue()) if "packed" in way else sink.getvalue()
    source, stdin = str(tmp_path / "given"), Stdin(content)
    Path(source).write_bytes(content)
    if "pipe" in way:
        monkeypatch.setattr(sys, "stdin", stdin)
        source = "-"
    kept = kept_files(monkeypatch)
    batches = list(read_batches(source))
    assert pa.concat_tables(batches).cast(TABLE.schema).equals(TABLE)
    assert len(batches) > 5 and max(batch.num_rows for batch in batches) <= 500
    # a packed file of JSON lines is unpacked twice, all else lies on disk once
    assert len(kept) == (0 if (written, way) == ("jsonl", "packed") else 1)
    assert all(file.closed for file in kept)
    assert stdin.pipe.asked <= max(4_000, io.DEFAULT_BUFFER_SIZE)


@pytest.mark.parametrize("written", FORMATS)
def test_a_short_stream_needs_no_file(monkeypatch: pytest.MonkeyPatch, written: str):
    sink = io.BytesIO()
    FORMATS[written](sink)
    monkeypatch.setattr(sys, "stdin", Stdin(sink.getvalue()))
    monkeypatch.setattr(rewinding, "temporary_file", None)
    assert pa.concat_tables(read_batches("-")).cast(TABLE.schema).equals(TABLE)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.usefixtures("short_memory")
@pytest.mark.parametrize("written", ["parquet", "jsonl"])
def test_a_full_disk_says_what_to_do(monkeypatch: pytest.MonkeyPatch, written: str):
    sink = io.BytesIO()
    FORMATS[written](sink)
    monkeypatch.setattr(sys, "stdin", Stdin(sink.getvalue()))
    full: Callable[..., IO[bytes]] = lambda *_: open("/dev/full", "w+b", buffering=0)  # noqa: E731, SIM115
    monkeypatch.setattr(rewinding, "temporary_file", full)
    with pytest.raises(InputError, match=r"standard input: .*temporary: No space left.*TMPDIR"):
        list(read_batches("-"))


@pytest.mark.usefixtures("short_memory")
def test_a_broken_line_of_a_pipe_is_numbered(monkeypatch: pytest.MonkeyPatch):
    content = b'{"n": 1}\n' * 1_000 + b"{oops}\n" + b'{"n": 1}\n' * 1_000
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    with pytest.raises(InputError, match="standard input: line 1001 is no JSON object"):
        list(read_batches("-"))


@pytest.mark.usefixtures("short_memory")
def test_a_packed_file_cut_short_is_told(tmp_path: Path):
    sink = io.BytesIO()
    of_json(sink)
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(sink.getvalue())[:-20])
    with pytest.raises(InputError, match="damaged or truncated gzip file"):
        list(read_batches(tmp_path / "cut.jsonl.gz"))
