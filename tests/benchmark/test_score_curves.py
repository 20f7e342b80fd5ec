"""All scores of one training, and times: what is written, once, and what the numbers are."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import alad
from alad import metrics
from alad.benchmark import score_curves, timing
from alad.benchmark.cells import cells
from alad.benchmark.results_file import ResultsFile
from alad.benchmark.timing import Bench, Timed


@pytest.fixture
def scored(toy, monkeypatch):
    """The toy detector "family" with two scores, the second one reversed."""
    own = toy.member_scores

    def member_scores(self, rows, score=None):
        return own(self, rows) * (-1 if score == "l1" else 1)

    def score_as(self, rows, score):
        return member_scores(self, rows, score).mean(axis=0)

    monkeypatch.setattr(toy, "member_scores", member_scores)
    monkeypatch.setattr(toy, "score_as", score_as, raising=False)
    offers = {"features": 0, "l1": 0, "other": 0}
    monkeypatch.setattr(toy, "model", SimpleNamespace(offers=offers))
    return toy


def test_every_score_of_one_fit_and_nothing_twice(scored, tmp_path):
    views, path = [("toy", "paper", "family")], tmp_path / "scores.jsonl"
    lines = score_curves.run(views, runs=2, path=path).lines()
    assert scored.fits == {"family": 1}
    assert [(line["score"], line["member"]) for line in lines] == [
        (score, member) for score in ("features", "l1") for member in (0, 1, "ensemble")
    ]
    first, reversed_ = lines[0], lines[3]
    assert first["auroc"] + reversed_["auroc"] == pytest.approx(1) and first["auroc"] > 0.9
    assert [line["member"] for line in lines if "curves" in line] == ["ensemble"] * 2
    before = path.read_bytes()
    score_curves.run(views, runs=2, path=path)
    assert path.read_bytes() == before and scored.fits == {"family": 1}


def test_a_detector_with_one_score_has_one(toy, tmp_path):
    path = tmp_path / "scores.jsonl"
    (line,) = score_curves.run([("toy", "paper", "once")], path=path).lines()
    assert line["score"] is None and line["cell"].endswith("-own")


def test_of_a_detector_of_the_catalogue_every_published_score_is_looked_at(tmp_path):
    for name, scores in (("alad", score_curves.COMPARED), ("isolation-forest", (None,))):
        (cell,) = cells("kdd99", ["paper"], [name], 1)
        job = score_curves.ScoresJob(cell, ResultsFile(tmp_path / "scores.jsonl"), {}, True)
        assert job.scores == scores


def test_thinned_curves_keep_their_ends_and_area():
    generator = np.random.default_rng(0)
    anomalous = generator.random(5000) < 0.2
    scores = generator.normal(size=5000) + 1.5 * anomalous
    found = score_curves.curves(scores, anomalous)
    x, y = np.array(found["roc"])
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1) and len(x) <= score_curves.POINTS
    assert np.trapezoid(y, x) == pytest.approx(metrics.auroc(scores, anomalous), abs=0.003)
    assert found["rows"] == {"normal": (~anomalous).sum(), "anomalous": anomalous.sum()}
    low, high = np.array(found["quantiles"]["normal"])[[0, -1]]
    assert (low, high) == pytest.approx((scores[~anomalous].min(), scores[~anomalous].max()), 1e-3)


def test_the_first_batches_are_not_counted(monkeypatch):
    clock = iter([0.0, 9.0, 10.0, 19.0, *(20 + at / 2 for at in range(6))])  # 9 s, 9 s, then 0.5 s
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    seen = []

    class Quick:
        def anomaly_score(self, rows):
            seen.append(len(rows))

    found = timing.milliseconds(Quick(), np.zeros((100, 2)), Timed("q", "q", 40, 3, "table"))
    assert found["milliseconds"] == found["slowest"] == 500
    assert seen == [40] * (timing.WARM_UP + 3)


def test_the_plain_search_finds_what_the_detector_does():
    X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    how = {"max_steps": 20, "search_steps": 30, "scaling": "none", "random_state": 0}
    detector = alad.AnoGAN(**how).fit(X)
    found = {name: answer(detector, X[:5]) for name, answer in timing.ANSWERS.items()}
    np.testing.assert_allclose(found["plain"], found["table"], rtol=1e-3)
    assert (found["encoded"] == found["table"]).all()


def test_times_of_a_table_that_fails_are_an_error_and_tried_again(toy, tmp_path):
    def failing(self, rows):
        raise ArithmeticError("no")

    path = tmp_path / "timing.jsonl"
    bad = Bench("toy", "paper", (Timed("nope", "nope", 5, 1, "table"),), {})
    file = timing.run([bad], path=path)
    assert ["error" in line for line in file.lines()] == [True]
    assert ResultsFile(path).finished() == set()


def test_part_of_a_search_of_random_images_stands_for_the_whole(tmp_path, monkeypatch):
    seconds = itertools.count()  # every batch takes one
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: float(next(seconds))))
    bench = timing.images_bench("cifar10", "paper", batches=1, searched=1, steps=1)
    small = replace(bench, random=(8, 8, 1), params={"max_steps": 0, "architecture": None})
    lines = {line["detector"]: line for line in timing.run([small], path=tmp_path / "t").lines()}
    assert len(lines) == 5 and all(line["random_images"] == [8, 8, 1] for line in lines.values())
    for line in lines.values():
        searching = line["detector"].startswith("anogan")
        assert ("search_steps" in line) is searching
        assert not searching or (line["search_steps_timed"], line["search_steps"]) == (1, 500)
        due = 500_000 if searching else 1_000
        assert line["fastest"] == line["milliseconds"] == line["slowest"] == due


def test_tables_that_were_timed_count_as_timed():
    path = Path(__file__).parents[2] / "results" / "paper" / "timing.jsonl"
    finished = ResultsFile(path).finished()
    tables = [one for one in timing.BENCHES if one.random is None]
    assert {one.benchmark for one in tables} == {"kdd99", "arrhythmia"}
    assert all(timing.key_of(one) in finished for one in tables)
