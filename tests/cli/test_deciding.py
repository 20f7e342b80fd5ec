"""Verbs whose errors are known: score with a rate, calibrate, explain."""

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

import alad
from alad import cli
from alad.data.writing import write_table


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """normal.csv (400 rows), new.csv (40, the last four odd) and a model of k-NN."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    write_table(table(generator, 400), "normal.csv")
    write_table(table(generator, 40, odd=4), "new.csv")
    assert cli.run("fit normal.csv -o model --detector knn --quiet".split()) == 0
    return tmp_path


def table(generator: np.random.Generator, count: int, odd: int = 0) -> pa.Table:
    numbers = generator.normal(size=(count, 3))
    numbers[count - odd :, 1] = 30
    return pa.table({name: numbers[:, at] for at, name in enumerate("abc")})


def refused(capfd, command: str, *words: str) -> None:
    assert cli.run(command.split()) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("alad: ")
    assert [word for word in words if word not in err] == []


def test_a_rate_adds_p_values_and_flags_as_the_library_does(folder):
    assert cli.run("score model new.csv -o out.csv --false-alarm-rate 0.05 --quiet".split()) == 0
    scored, new = pacsv.read_csv("out.csv"), pacsv.read_csv("new.csv")
    detector = alad.load("model")
    assert scored.column_names == [*"abc", "anomaly_score", "p_value", "is_anomaly"]
    assert np.array_equal(scored["p_value"].to_numpy(), detector.p_value(new))
    flags = detector.predict(new, false_alarm_rate=0.05) == -1
    assert scored["is_anomaly"].to_pylist() == flags.tolist()
    assert flags[-4:].all() and not flags.all()


def test_a_false_discovery_rate_selects_as_the_library_does(folder):
    assert cli.run("score model new.csv -o out.csv --fdr 0.3 --quiet".split()) == 0
    scored, new = pacsv.read_csv("out.csv"), pacsv.read_csv("new.csv")
    selected = alad.load("model").select(new, 0.3)
    assert scored["is_anomaly"].to_pylist() == selected.tolist() and selected[-4:].all()


def test_a_selection_of_none_says_how_many_it_takes(folder, capfd):
    assert cli.run("score model new.csv -o out.csv --fdr 0.05".split()) == 0
    assert not any(pacsv.read_csv("out.csv")["is_anomaly"].to_pylist())
    assert "0 of them flagged: of 40 rows and 40 calibration rows" in (
        err := capfd.readouterr().err
    )
    assert "selects at least 20 or none" in err


def test_rules_that_cannot_be_followed_are_refused(folder, capfd):
    score = "score model new.csv -o out.csv"
    refused(capfd, f"{score} --false-alarm-rate 0.001", "too few", "0.001")
    refused(capfd, f"{score} --false-alarm-rate 1.5", "1.5")
    refused(capfd, f"{score} --fdr 0", "0")
    refused(capfd, f"{score} --fdr 0.1 --false-alarm-rate 0.1", "one of them")
    refused(capfd, f"{score} --confidence 0.9", "--false-alarm-rate")
    refused(capfd, f"{score} --false-alarm-rate 0.1 --confidence nan", "--confidence is nan")
    for wrong in ("abc", "nan", "inf", "-0.1", "1"):
        for flag in ("--false-alarm-rate", "--fdr"):
            refused(capfd, f"{score} {flag} {wrong}", flag)
    assert not (folder / "out.csv").exists()


def test_a_model_without_calibration_says_so_until_it_is_calibrated(folder, capfd):
    write_table(pacsv.read_csv("normal.csv").slice(0, 30), "few.csv")
    assert cli.run("fit few.csv -o model --detector knn --quiet".split()) == 0
    refused(capfd, "score model new.csv --false-alarm-rate 0.1", "not calibrated", "alad calibrate")
    before = alad.load("model").anomaly_score(pacsv.read_csv("new.csv"))
    assert cli.run("calibrate model normal.csv".split()) == 0
    err = capfd.readouterr().err
    assert (
        "370 rows; " in err
        and "; 30 rows left out, because they equal rows that the model learnt from" in err
    )
    loaded = alad.load("model")
    assert len(loaded.calibrated()) == 370
    assert np.array_equal(before, loaded.anomaly_score(pacsv.read_csv("new.csv")))
    command = "score model new.csv -o out.csv --false-alarm-rate 0.1 --confidence 0.9 --quiet"
    assert cli.run(command.split()) == 0


def test_a_training_table_gives_the_calibration_of_the_fit_again(folder, capfd):
    before = alad.load("model").calibrated().scores
    assert cli.run("calibrate model normal.csv --json".split()) == 0
    out, err = capfd.readouterr()
    assert '"left_out": 360' in out and "40 rows; false-alarm rates from 0.025 on" in err
    assert np.array_equal(alad.load("model").calibrated().scores, before)
    learnt = alad.load("model").references_
    assert learnt is not None and len(learnt) == 360


def test_info_says_on_what_a_model_is_calibrated(folder, capfd):
    write_table(pacsv.read_csv("normal.csv").slice(0, 30), "few.csv")
    assert cli.run("info model".split()) == 0
    assert "40 rows held out at fit" in capfd.readouterr().out
    assert cli.run("calibrate model new.csv --quiet".split()) == 0
    assert cli.run("info model".split()) == 0
    assert "40 rows given from new.csv at 20" in capfd.readouterr().out
    assert cli.run("calibrate model normal.csv --quiet".split()) == 0
    assert cli.run("info model".split()) == 0
    assert "; 360 more equal some learnt from, and are left out" in capfd.readouterr().out
    assert cli.run("fit few.csv -o model --detector knn --quiet".split()) == 0
    assert cli.run("info model".split()) == 0
    assert "none, so no p-values" in capfd.readouterr().out


def test_a_report_without_p_values_says_so(folder, capfd):
    assert cli.run("report model new.csv".split()) == 0
    assert "calibrated" not in capfd.readouterr().err
    write_table(pacsv.read_csv("normal.csv").slice(0, 30), "few.csv")
    assert cli.run("fit few.csv -o model --detector knn --quiet".split()) == 0
    for command, told in (("report model new.csv", True), ("report model new.csv -q", False)):
        assert cli.run(command.split()) == 0
        err = capfd.readouterr().err
        assert ("no p-values" in err and "alad calibrate model MORE_NORMAL_ROWS.csv" in err) == told


@pytest.mark.parametrize("count", [1, 2, 5, 40, 41, 98, 400])
def test_the_rate_said_to_be_possible_is_so(folder, capfd, count):
    write_table(table(np.random.default_rng(7), count), "more.csv")
    assert cli.run("calibrate model more.csv".split()) == 0
    err = capfd.readouterr().err
    assert err.startswith("1 row;" if count == 1 else f"{count} rows;")
    rate = err.partition("from ")[2].split()[0]
    command = f"score model new.csv -o out.csv --false-alarm-rate {rate} --quiet"
    assert cli.run(command.split()) == 0


@pytest.mark.filterwarnings("default")
def test_strange_values_of_a_category_are_a_warning(folder, capfd):
    kinds = np.random.default_rng(0).choice(["tcp", "udp"], 400)
    known = pacsv.read_csv("normal.csv").append_column("kind", pa.array(kinds))
    write_table(known, "kinds.csv")
    write_table(known.set_column(3, "kind", pa.array(np.arange(400) % 2)), "numbers.parquet")
    assert cli.run("fit kinds.csv -o model --detector knn --quiet".split()) == 0
    assert cli.run("score model kinds.csv -o out.csv".split()) == 0
    assert "warning" not in capfd.readouterr().err
    assert cli.run("score model numbers.parquet -o out.csv".split()) == 0
    err = capfd.readouterr().err
    assert "column 'kind' holds no value that it had at fit ('tcp', 'udp')" in err


def test_drift_is_a_warning(folder, capfd):
    moved = table(np.random.default_rng(1), 300)
    moved = pa.table({name: moved[name].to_numpy() * 3 + 4 for name in "abc"})
    write_table(moved, "moved.csv")
    assert cli.run("score model moved.csv -o out.csv".split()) == 0
    assert "drift" in capfd.readouterr().err
    assert cli.run("score model new.csv -o out.csv".split()) == 0
    assert "drift" not in capfd.readouterr().err


def test_explanations_add_up_and_name_the_odd_column(folder):
    assert cli.run("explain model new.csv -o why.csv --top 4 --quiet".split()) == 0
    why = pacsv.read_csv("why.csv").to_pylist()
    assert len(why) == 4 * 3
    for row in {line["row"] for line in why}:
        own = [line for line in why if line["row"] == row]
        assert row > 36 and own[0]["column"] == "b" and own[0]["value"] == 30
        total = sum(line["contribution"] for line in own)
        assert total == pytest.approx(own[0]["anomaly_score"] - own[0]["reference_score"])


def test_explain_can_be_brief(folder, capfd):
    assert cli.run("explain model new.csv --top 2 --columns 1".split()) == 0
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == 3 and "2 of 40 rows explained" in err
    refused(capfd, "explain model nowhere/", "nowhere/: no such file or folder; check its name")
    (folder / "empty").mkdir()
    refused(capfd, "explain model empty -o heat", "empty: no pictures", "name another folder")
    refused(capfd, "calibrate nothing normal.csv", "nothing")
