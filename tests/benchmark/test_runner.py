"""The runner: a line a run, nothing measured twice, failures kept, the rest goes on."""

import json
import shutil

import numpy as np
import pytest

from alad import metrics
from alad.benchmark.data import protocols
from alad.benchmark.results_file import ResultsFile
from alad.benchmark.runner import run
from alad.errors import InputError

FIELDS = {
    *("benchmark", "protocol", "detector", "trained", "members", "seed", "precision", "recall"),
    *("f1", "auroc", "average_precision", "fit_seconds", "score_seconds", "config", "versions"),
    *("machine", "command"),
}


def test_one_line_a_run_and_one_for_the_ensemble(toy, tmp_path):
    lines = run("toy", runs=3, protocols=["paper"], results=tmp_path).lines()
    found = [(line["detector"], line["seed"], line["member"]) for line in lines]
    assert found == [
        ("once", 0, 0),
        *(("seeded", seed, 0) for seed in (0, 1, 2)),
        *(("family", 0, member) for member in (0, 1, 2, "ensemble")),
    ]
    assert all(line.keys() >= FIELDS for line in lines)
    assert toy.fits == {"once": 1, "seeded": 3, "family": 1}
    assert {(line["train_rows"], line["test_rows"]) for line in lines} == {(50, 100)}


def test_the_numbers_are_those_of_the_scores(toy, tmp_path):
    lines = run("toy", runs=2, protocols=["paper"], results=tmp_path).lines()
    data = protocols.PROTOCOLS["toy"]["paper"].split(42, None)
    detector = toy("family", noise=1.0, members=2, checkpoint=tmp_path / "c").fit(data.train)
    scores = [*detector.member_scores(data.test), detector.anomaly_score(data.test)]
    for line, own in zip(lines[-3:], scores, strict=True):
        expected = metrics.evaluate(own, data.test_anomalous, 80)
        assert {name: line[name] for name in expected} == expected
        assert line["versions"]["numpy"] == np.__version__
        assert line["precision"] / line["recall"] == pytest.approx(1)  # 20 flagged, 20 anomalies


def test_the_time_of_earlier_sittings_counts(toy, tmp_path):
    assert run("toy", detectors=["once"], results=tmp_path).lines()[0]["fit_seconds"] == 1000


def test_finished_cells_are_not_measured_again(toy, tmp_path):
    file = run("toy", runs=2, results=tmp_path)
    before, fits = file.path.read_bytes(), toy.fits.copy()
    said = []
    run("toy", runs=2, results=tmp_path, say=said.append, verbose=1)
    assert file.path.read_bytes() == before and toy.fits == fits
    assert said == ["toy: 10 of 10 cells are there already"]


def test_more_runs_add_to_those_that_are_there(toy, tmp_path):
    run("toy", runs=2, results=tmp_path, detectors=["seeded"], protocols=["paper"])
    run("toy", runs=5, results=tmp_path, detectors=["seeded"], protocols=["paper"])
    assert toy.fits == {"seeded": 5}


@pytest.mark.parametrize("lost", [1, 200])
def test_an_interruption_costs_the_cell_that_was_being_written(toy, tmp_path, lost):
    file = run("toy", runs=2, results=tmp_path, protocols=["paper"])
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:-lost])
    toy.fits.clear()
    run("toy", runs=2, results=tmp_path, protocols=["paper"])
    assert toy.fits == {"family": 1}
    timeless = [{**line, "finished": 0, "score_seconds": 0} for line in file.lines()]
    again = [json.dumps(line, sort_keys=True) for line in timeless]
    assert len(set(again)) == 6  # members 0 and 1, written twice, are the same both times


def test_a_failed_cell_is_recorded_and_tried_again(toy, tmp_path):
    toy.failing.add("seeded")
    said = []
    file = run("toy", runs=1, protocols=["paper"], results=tmp_path, say=said.append)
    failed = [line for line in file.lines() if "error" in line]
    assert [line["detector"] for line in file.lines()] == ["once", "seeded", "family"]
    assert [line["error"] for line in failed] == ["ArithmeticError: a loss is not finite"]
    assert "failed" in said[2] and "\n" not in said[2]
    toy.failing.clear()
    shutil.rmtree(next(tmp_path.glob("*.checkpoint")))
    toy.fits.clear()
    run("toy", runs=1, protocols=["paper"], results=tmp_path)
    assert toy.fits == {"seeded": 1}


def test_checkpoints_go_when_the_cell_is_done_and_stay_when_it_is_not(toy, tmp_path):
    run("toy", runs=1, protocols=["paper"], results=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["toy.jsonl"]
    toy.failing.add("once")
    run("toy", runs=1, protocols=["clean"], detectors=["once"], results=tmp_path)
    assert len(list(tmp_path.glob("toy-*.checkpoint"))) == 1


def test_a_checkpoint_of_another_training_is_left_and_the_cell_begins_anew(toy, tmp_path):
    toy.failing.add("once")
    run("toy", runs=1, protocols=["paper"], detectors=["once"], results=tmp_path)
    assert len(list(tmp_path.glob("toy-*.checkpoint"))) == 1
    toy.failing.clear()
    with pytest.warns(UserWarning, match="checkpoint is of other settings .* begins anew"):
        file = run("toy", runs=1, protocols=["paper"], detectors=["once"], results=tmp_path)
    assert "error" not in file.lines()[-1]
    assert list(tmp_path.glob("toy-*.checkpoint")) == []


def test_ctrl_c_ends_the_run_and_leaves_whole_lines(toy, tmp_path, monkeypatch):
    def stopped(self, rows):
        raise KeyboardInterrupt

    monkeypatch.setattr(toy, "member_scores", stopped)
    with pytest.raises(KeyboardInterrupt):
        run("toy", results=tmp_path)
    assert ResultsFile(tmp_path / "toy.jsonl").lines() == []


def test_lines_name_no_place_of_this_machine(toy, tmp_path):
    file = run("toy", runs=1, results=tmp_path, data_dir=tmp_path)
    assert str(tmp_path) not in file.path.read_text()
    assert file.lines()[2]["command"] == (
        "alad bench toy --protocol paper --detector family --runs 1"
    )


def test_missing_data_end_the_run_instead_of_failing_every_cell(toy, tmp_path, monkeypatch):
    def absent(seed, data_dir):
        raise InputError("table.gz is missing")

    lacking = protocols.Protocol("", (42,), absent)
    monkeypatch.setitem(protocols.PROTOCOLS["toy"], "paper", lacking)
    with pytest.raises(InputError, match="is missing"):
        run("toy", results=tmp_path)
    assert ResultsFile(tmp_path / "toy.jsonl").lines() == []
