"""The fuzzer: a short seeded slice, minutes of it as a slow test, and whether it sees faults."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pyarrow.compute as pc
import pytest

from alad.data import column_kinds, columns, writing
from alad.errors import InputError
from fuzz import cases, program
from fuzz.__main__ import plan
from fuzz.cases import KINDS, Fuzzer
from fuzz.program import as_program

SEED = 20181
FEW = {
    "table": 30,
    "scoring": 12,
    "parts": 6,
    "pictures": 10,
    "model": 14,
    "byte": 10,
    "options": 15,
}

pytestmark = pytest.mark.filterwarnings("ignore")  # the program prints them, and is held to that


@pytest.fixture
def fuzzer() -> Iterator[Fuzzer]:
    made = Fuzzer()
    made.stored("pca")  # before anything is broken
    yield made
    made.close()
    assert all(file.closed for file in made.program.files)


@pytest.mark.parametrize("kind", KINDS)
def test_a_slice_of_each_kind(fuzzer, kind):
    faults = []
    for number in range(FEW[kind]):
        outcome = fuzzer.case(kind, SEED, number)
        faults += [(f"{kind}:{SEED}:{number}", fault) for fault in outcome.faults]
    assert faults == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_cases(fuzzer, seed):
    """As `python -m tests.fuzz --cases 1500 --seed SEED` does."""
    faults, statuses = [], Counter()
    for kind, its_seed, number in plan(list(KINDS), 1500, seed):
        outcome = fuzzer.case(kind, its_seed, number)
        statuses.update({status for _, status in outcome.statuses})
        faults += [(f"{kind}:{its_seed}:{number}", fault) for fault in outcome.faults]
    assert faults == []
    assert statuses[0] > 500 and statuses[2] > 300  # neither all refused nor all read


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_some_as_programs_of_their_own(kind):
    fuzzer = Fuzzer(run=as_program)
    try:
        faults = [fault for number in range(4) for fault in fuzzer.case(kind, 1, number).faults]
    finally:
        fuzzer.close()
    assert faults == []


# --- does it see a fault --------------------------------------------------------------------------


def faults_of(fuzzer: Fuzzer, kind: str, numbers: range) -> str:
    return "\n".join(fault for at in numbers for fault in fuzzer.case(kind, SEED, at).faults)


def test_a_traceback_is_seen(fuzzer, monkeypatch):
    monkeypatch.setattr(writing, "with_columns", lambda *_: 1 / 0)
    assert "traceback" in faults_of(fuzzer, "table", range(10))


def test_numbers_read_wrongly_are_seen(fuzzer, monkeypatch):
    right = columns._with_points
    monkeypatch.setattr(
        columns,
        "_with_points",
        lambda raw: None if (x := right(raw)) is None else pc.multiply(x, 9),
    )
    assert "numbers read wrongly" in faults_of(fuzzer, "table", range(20))


def test_a_silent_category_is_seen(fuzzer, monkeypatch):
    monkeypatch.setattr(
        column_kinds, "text", lambda name, raw, _=None: column_kinds.categories(name, raw)
    )
    monkeypatch.setattr(column_kinds, "_check_labels", lambda column: None)
    assert "of numbers became category" in faults_of(fuzzer, "table", range(20))


def test_a_message_without_a_remedy_is_seen(fuzzer, monkeypatch):
    def refuse(*_):
        raise InputError("is bad")

    monkeypatch.setattr("alad.data.csv_blocks.dialect_of", refuse)
    seen = faults_of(fuzzer, "table", range(10))
    assert "names no remedy" in seen


def test_fragments_are_seen(fuzzer, monkeypatch):
    writer = writing.table_writer

    def leaving(target, last=None):
        open(f".{target}.77.part", "w").close()
        return writer(target, last)

    monkeypatch.setattr(writing, "table_writer", leaving)
    monkeypatch.setattr(writing, "_remove_abandoned", lambda final: None)
    assert "left fragments" in faults_of(fuzzer, "table", range(10))


def test_an_altered_model_that_is_accepted_is_seen(fuzzer, monkeypatch):
    """Bytes of arrays are told by their checksum alone."""
    from alad import storage

    monkeypatch.setattr(cases, "STORED", ["pca"])
    same = type("Same", (), {"__eq__": lambda *_: True, "hexdigest": lambda self: self})()
    monkeypatch.setattr(storage, "hashlib", type("H", (), {"sha256": lambda *_: same}))
    assert "altered, accepted" in faults_of(fuzzer, "byte", range(40))


def test_a_command_that_hangs_is_stopped(monkeypatch):
    monkeypatch.setattr(program, "SECONDS", 1)
    reading, kept_open = os.pipe()
    monkeypatch.setattr(program.cli, "run", lambda _: os.read(reading, 1))
    with closing(program.Program()) as stopped:
        result = stopped.run(["info", "model"])
    os.close(kept_open)
    os.close(reading)
    assert result.status == -1 and "took longer" in result.err
