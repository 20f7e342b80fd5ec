"""The results file: whole lines only, nothing lost, nothing foreign read as a result."""

import threading

import pytest

from alad.benchmark.results_file import ResultsFile, measured
from alad.errors import InputError


def line(cell="a", member: int | str = 0, of=1, **more):
    named = {"protocol": "paper", "detector": "d", "cell": cell, "settings": "s"}
    return {**named, "member": member, "cell_lines": of, **more}


def failure(cell="a"):
    return {"protocol": "paper", "detector": "d", "cell": cell, "settings": "s", "error": "E: é"}


@pytest.fixture
def file(tmp_path) -> ResultsFile:
    return ResultsFile(tmp_path / "toy.jsonl")


def test_lines_come_back_in_order(file):
    assert file.lines() == [] and file.finished() == set()
    file.append([line("a"), failure("b")])
    file.append([line("c")])
    assert file.lines() == [line("a"), failure("b"), line("c")]
    assert measured(file.lines()) == [line("a"), line("c")]
    assert file.finished() == {"a", "c"}


@pytest.mark.parametrize("cut", range(1, 20, 6))
def test_a_half_written_line_is_dropped_and_the_next_is_whole(file, cut):
    file.append([line("a"), line("b")])
    content = file.path.read_bytes()
    file.path.write_bytes(content[:-cut])
    assert file.lines() == [line("a")] and file.finished() == {"a"}
    file.append([line("c")])
    assert file.lines() == [line("a"), line("c")]


def test_a_file_that_is_one_half_line_is_empty(file):
    file.path.write_bytes(b'{"cell": "a"')
    assert file.lines() == []
    file.append([line("b")])
    assert file.lines() == [line("b")]


def test_a_cell_is_finished_with_its_last_line_only(file):
    file.append([line("a", 0, of=3), line("a", 1, of=3)])
    assert file.finished() == set()
    file.append([line("a", member, of=3) for member in (0, 1, "ensemble")])
    assert file.finished() == {"a"}


def test_a_failed_cell_is_not_finished_until_it_is_measured(file):
    file.append([failure("a")])
    assert file.finished() == set()
    file.append([line("a")])
    assert file.finished() == {"a"}


@pytest.mark.parametrize("text", [b"junk", b"[1]", b'{"f1": 1}', b"\xff\xfe", b'{"cell": "a"}'])
def test_a_foreign_line_is_named(file, text):
    file.append([line("a")])
    file.path.write_bytes(file.path.read_bytes() + text + b"\n")
    with pytest.raises(InputError, match=r"line 2 of .*toy\.jsonl"):
        file.lines()


def test_two_writers_of_one_file_lose_nothing(tmp_path):
    path = tmp_path / "both.jsonl"

    def write(name: str) -> None:
        for number in range(10):
            ResultsFile(path).append([line(f"{name}{number}")])

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(ResultsFile(path).finished()) == 20
