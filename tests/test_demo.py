"""The demo: what it divides, compares and leaves behind."""

import json

import numpy as np
import pytest
from pages import Parsed
from pyarrow import csv as pacsv

import alad
from alad import cli, demo, report


@pytest.fixture(scope="module")
def quick():
    """The demo with next to no training: members and steps cut down."""
    short = {"alad": {"members": 2, "max_steps": 3}}
    return tuple(
        demo.Contender(
            one.title, one.detector, one.params | short.get(one.detector, {}), min(one.seeds, 2)
        )
        for one in demo.CONTENDERS
    )


def test_tumours_are_divided_without_overlap():
    data = demo.tumours(0)
    assert (data.train.num_rows, data.test.num_rows) == (178, 391)
    assert int(data.malignant.sum()) == 212
    keys = [{tuple(row.values()) for row in part.to_pylist()} for part in (data.train, data.test)]
    assert not keys[0] & keys[1]


def test_tumours_of_one_seed_are_the_same_and_of_another_are_not():
    one, again, other = (demo.tumours(seed).train for seed in (0, 0, 1))
    assert one.equals(again) and not one.equals(other)


def test_every_table_has_the_untrained_row():
    untrained = [one for one in demo.CONTENDERS if one.params.get("max_steps") == 0]
    trained = demo.CONTENDERS[0]
    assert len(untrained) == 1
    assert untrained[0].params | {"max_steps": None} == trained.params | {"max_steps": None}


def test_outcome_of_a_perfect_and_of_a_reversed_ranking():
    data = demo.tumours(0)
    perfect = demo.ranking_measures(data.malignant.astype(float), data.malignant)
    assert perfect == {"auroc": 1.0, "average_precision": 1.0}
    assert demo.ranking_measures(-data.malignant.astype(float), data.malignant)["auroc"] == 0.0


def test_demo_writes_model_rows_and_picture(tmp_path, monkeypatch, capsys, quick):
    monkeypatch.setattr(demo, "CONTENDERS", quick)
    monkeypatch.chdir(tmp_path)
    assert cli.run(["demo", "-o", "out"]) == 0
    out, err = capsys.readouterr()
    assert all(one.title in out for one in quick) and "alad score out/model out/new.csv" in out
    assert "fitting ALAD" in err and "fitting" not in out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"model", "normal.csv", "new.csv", "report.html", "demo.png"}
    page = Parsed((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert page.outside() == [] and "Page to open in a browser: out/report.html" in out
    assert "Against the labels" in page.text and "391 rows of new.csv" in page.text
    scores = alad.load("out/model").anomaly_score(pacsv.read_csv("out/new.csv"))
    assert len(scores) == 391
    assert cli.run("score out/model out/new.csv -o scored.csv -q".split()) == 0
    assert pacsv.read_csv("scored.csv")["anomaly_score"].to_numpy() == pytest.approx(scores)


def test_demo_without_matplotlib_says_so_and_skips_the_picture(
    tmp_path, monkeypatch, capsys, quick
):
    monkeypatch.setattr(demo, "CONTENDERS", quick[:2])
    monkeypatch.setattr(report.picture, "find_spec", lambda name: None)
    assert cli.run(["demo", "-o", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert "pip install 'alad[report]'" in err and "demo.png" not in out
    assert not (tmp_path / "out" / "demo.png").exists()


def test_demo_as_json(tmp_path, monkeypatch, capsys, quick):
    monkeypatch.setattr(demo, "CONTENDERS", (quick[0], quick[2]))
    assert cli.run(["demo", "-o", str(tmp_path / "out"), "--json", "-q"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    alad_row, forest = found["outcomes"]
    assert alad_row["ensemble"].keys() == {"auroc", "average_precision"}
    assert forest["ensemble"] is None and forest["auroc"]["runs"] == 2
    assert found["files"]["model"].endswith("model")
    assert cli.run(["demo", "-o", str(tmp_path / "out"), "-q"]) == 0  # its own files it replaces


@pytest.mark.slow
def test_training_helps_in_the_demo():
    """The demo's own promise, over its eight members: trained above untrained, in every measure."""
    data = demo.tumours(demo.SPLIT_SEED)
    trained, untrained = (demo.compare(one, data)[0] for one in demo.CONTENDERS[:2])
    assert trained.auroc.mean > untrained.auroc.mean + 0.01
    assert trained.average_precision.mean > untrained.average_precision.mean
    assert trained.ensemble is not None and np.isfinite(list(trained.ensemble.values())).all()


@pytest.mark.parametrize("name", ["normal.csv", "new.csv", "model", "report.html", "demo.png"])
def test_the_files_of_others_are_left_alone(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(b"a,b\n1,2\n")
    assert cli.run(["demo", "-o", "."]) == 2
    err = capsys.readouterr().err
    assert f"{name!r} of others" in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"a,b\n1,2\n"
