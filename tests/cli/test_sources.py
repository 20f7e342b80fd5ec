"""Every verb reads tables in parts, and from standard input, as it reads one file."""

import io
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

import alad
from alad import cli
from alad.data.writing import write_table


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """normal.csv and new.csv of 120 rows, and the same rows in folders of three files."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for name in ("normal", "new"):
        whole = pa.table(
            {
                "id": [f"{at:03}" for at in range(120)],
                "a": generator.normal(size=120),
                "kind": generator.choice(["tcp", "udp"], 120),
            }
        )
        write_table(whole, f"{name}.csv")
        Path(name).mkdir()
        for at in range(3):
            write_table(whole.slice(40 * at, 40), f"{name}/part-{at}.csv")
    assert (
        cli.run(
            "fit normal.csv -o model --detector knn --drop id --calibration-fraction 0.3 -q".split()
        )
        == 0
    )
    return tmp_path


def contents(place: str) -> list[bytes]:
    """What a file holds, or the arrays of a model."""
    path = Path(place)
    return [path.read_bytes()] if path.is_file() else [p.read_bytes() for p in path.glob("arrays*")]


VERBS = {
    "fit": ("fit {} -o out --detector knn --drop id", "out"),
    "score": ("score model {} -o out.csv", "out.csv"),
    "score by a rate": ("score model {} --drop id --false-alarm-rate 0.2 -o out.csv", "out.csv"),
    "explain": ("explain model {} --top 5 -o out.csv", "out.csv"),
    "calibrate": ("calibrate model {}", "model"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_of_parts_and_standard_input_are_read_as_one_file(folder, verb, monkeypatch):
    command, out = VERBS[verb]
    file = "normal" if verb == "fit" else "new"
    results = []
    for place in (f"{file}.csv", file, "-"):
        stream = io.TextIOWrapper(io.BytesIO(Path(f"{file}.csv").read_bytes()))
        monkeypatch.setattr(sys, "stdin", stream)
        assert cli.run([*command.format(place).split(), "-q"]) == 0
        results.append(contents(out))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("place", ["new", "-"])
def test_reports_and_comparisons_read_them_too(folder, place, monkeypatch):
    def commanded(command: str) -> int:
        stream = io.TextIOWrapper(io.BytesIO(Path("new.csv").read_bytes()))
        monkeypatch.setattr(sys, "stdin", stream)
        return cli.run([*command.split(), "-q"])

    assert commanded(f"report model {place} -o page.html") == 0
    assert "120 rows of" in Path("page.html").read_text("utf-8")
    assert commanded(f"compare {place} --drop id --detector knn --json") == 0


def test_a_part_at_fault_is_named(folder, capfd):
    Path("new/part-1.csv").write_text("id,a,kind\n1,2\n")
    assert cli.run("score model new -o out.csv".split()) == 2
    assert capfd.readouterr().err.startswith("alad: new/part-1.csv: line 2 has 2 cells")
    Path("new/part-1.csv").write_text("id,b,kind\n1,2,tcp\n")
    assert cli.run("score model new -o out.csv".split()) == 2
    err = capfd.readouterr().err
    assert err == (
        "alad: new/part-1.csv: has other columns than new/part-0.csv; missing: 'a'; new: 'b'; "
        "give files of the same columns\n"
    )
    assert not Path("out.csv").exists()


@pytest.mark.parametrize("verb", ["score", "explain", "calibrate", "report"])
def test_every_verb_has_the_same_message_for_a_column_that_is_not_there(folder, verb, capfd):
    assert cli.run([verb, "model", "new.csv", "--drop", "nope"]) == 2
    for command in (
        "fit new.csv -o other --detector knn --drop nope",
        "compare new.csv --drop nope",
    ):
        assert cli.run(command.split()) == 2
    message = "alad: new.csv: no column named 'nope' to drop; there are 'id', 'a', 'kind'\n"
    assert capfd.readouterr().err == 3 * message


def test_scores_of_parts_are_in_their_order(folder):
    assert cli.run("score model new -o out.csv -q".split()) == 0
    assert pacsv.read_csv("out.csv")["id"].to_pylist() == list(range(120))


def test_a_name_with_a_comma_is_dropped_in_quotes(folder, capfd):
    Path("units.csv").write_text("temp, C;pres, bar;id\n" + "20;1.5;7\n21;1.25;8\n" * 20)
    fit = ["fit", "units.csv", "-o", "m", "--detector", "knn", "-q", "--drop"]
    assert cli.run([*fit, '"temp, C",id']) == 0
    assert alad.load("m").encoder_.used_names_ == ("pres, bar",)
    assert cli.run([*fit, "temp, C"]) == 2
    err = capfd.readouterr().err
    assert "no column named 'temp', 'C' to drop; there are 'temp, C', 'pres, bar', 'id'; in" in err
    assert err.endswith("""quote a name with a comma: '"a, b"'\n""")
