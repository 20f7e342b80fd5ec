"""The table: means and spreads worked out by hand, beside the right published row."""

import numpy as np
import pytest

import alad
from alad.benchmark import planned_runs
from alad.benchmark.results import result_rows
from alad.benchmark.row import ablation_of
from alad.benchmark.rows import rows_of, untrained_twin
from alad.benchmark.runner import run
from alad.benchmark.summary import MEASURES, UNMEASURED, Group, Spread


def line(detector="alad", member: int | str = 0, f1=0.5, **more):
    numbers = dict.fromkeys(MEASURES, 0.25) | {"f1": f1, "fit_seconds": 8.0, "score_seconds": 2.0}
    named = {"protocol": "paper", "detector": detector, "settings": "new", "cell": "c"}
    return {**named, "member": member, "cell_lines": 3, "config": {}, **numbers, **more}


def test_mean_and_sample_deviation():
    assert Spread.of([0.9, 1.0, 0.95]) == Spread(pytest.approx(0.95), pytest.approx(0.05), 3)
    assert Spread.of([0.4]) == Spread(0.4, None, 1)


def test_members_are_averaged_and_the_ensemble_stands_apart():
    lines = [line(member=0, f1=0.9), line(member=1, f1=1.0), line(member="ensemble", f1=0.99)]
    (row,) = result_rows(lines, "kdd99")
    assert row.measures["f1"] == Spread(pytest.approx(0.95), pytest.approx(0.0707107), 2)
    assert row.ensemble and row.ensemble["f1"] == 0.99
    assert (row.fit_seconds, row.score_seconds) == (8.0, 2.0)  # one fit made both members
    assert row.published and row.published.f1 == 0.9501 and row.published.status == "verified"


def test_what_is_planned_and_not_measured_stays_in_the_result_rows():
    planned = {("paper", None, "alad"): 3, ("paper", None, "knn"): 1}
    knn, alad_row = result_rows([line("alad", f1=0.7)], "kdd99", planned)
    assert (knn.detector, knn.measures, knn.notes) == ("knn", {}, (UNMEASURED,))
    assert "1 of 3 runs measured so far" in alad_row.notes
    whole = result_rows([line("knn")], "kdd99", planned)[0]
    assert whole.measures and not any("measured" in note for note in whole.notes)


def test_planned_runs_are_those_of_the_cells(toy):
    assert planned_runs("toy")["paper", None, "family"] == 10
    assert planned_runs("toy")["clean", None, "once"] == 3
    assert planned_runs("toy", 2)["paper", None, "seeded"] == 2


def test_rows_stand_in_the_benchmarks_order():
    lines = [line("alad"), line("knn"), line("isolation-forest"), line("knn", protocol="clean")]
    found = [(row.protocol, row.detector) for row in result_rows(lines, "kdd99")]
    order = ["isolation-forest", "knn", "alad"]
    assert found == [*(("paper", name) for name in order), ("clean", "knn")]


def test_what_speaks_against_a_published_number_is_told():
    (row,) = result_rows([line("oc-svm")], "kdd99")
    assert any("not like for like: P/R is 0.875" in note for note in row.notes)
    (row,) = result_rows([line("knn")], "kdd99")
    assert row.published is None and row.notes == ()


def test_another_protocol_than_the_papers_is_told():
    (row,) = result_rows([line(protocol="clean")], "kdd99")
    assert any("not this one" in note for note in row.notes)


def test_the_settings_measured_last_count_and_repeated_lines_once():
    old = line(settings="old", config={"max_steps": 1}, f1=0.1, cell="o")
    assert Group([old, line(f1=0.3), line(f1=0.4)]).current == [line(f1=0.4)]
    assert Group([line(), old, {**line(), "error": "E"}]).current == [old]


def test_settings_that_have_changed_since_are_told():
    (row,) = result_rows([line(config={"n_estimators": 7}, detector="isolation-forest")], "kdd99")
    assert "measured with other settings than the present ones: n_estimators=7" in row.notes
    (row,) = result_rows([line(config={"random_state": 3}, detector="isolation-forest")], "kdd99")
    assert not any("other settings" in note for note in row.notes)


def test_a_row_of_failures_alone_says_so(toy, tmp_path):
    toy.failing.add("once")
    file = run("toy", protocols=["paper"], detectors=["once"], results=tmp_path)
    (row,) = result_rows(file.lines(), "toy")
    assert row.measures == {} and row.ensemble is None
    assert row.notes == ("failed: ArithmeticError: a loss is not finite",)


def test_a_failure_that_was_mended_is_forgotten():
    failure = {**line(), "error": "E: broken"}
    assert (
        result_rows([failure, line()], "kdd99")[0].notes == result_rows([line()], "kdd99")[0].notes
    )


def test_a_training_that_did_not_help_is_told():
    lines = [line("alad-untrained", f1=0.5), line("alad", f1=0.4), line("knn", f1=0.3)]
    found = {row.detector: row.notes for row in result_rows(lines, "kdd99")}
    said = "no better than the same networks untrained (alad-untrained)"
    assert said in found["alad"] and said not in found["alad-untrained"] + found["knn"]
    better = result_rows([lines[0], line("alad", f1=0.6)], "kdd99")
    assert not any(said in row.notes for row in better)
    other_protocol = result_rows([lines[0], line("alad", f1=0.4, protocol="clean")], "kdd99")
    assert not any(said in row.notes for row in other_protocol)


def test_ablations_are_held_against_untrained_alad_and_a_differing_norm_is_named():
    rows = {row.name: row for row in rows_of("kdd99")}
    assert ablation_of(rows["alad"]) == "sn+dl" and "alad-baseline-untrained" not in rows
    names = ("alad-baseline", "alad+dl", "alad+sn")
    lines = [line("alad-untrained", f1=0.5), *(line(name, f1=0.4) for name in names)]
    found = {row.detector: row.notes for row in result_rows(lines, "kdd99")}
    assert "no better than untrained ALAD with SN (alad-untrained)" in found["alad-baseline"]
    assert "no better than untrained ALAD with SN (alad-untrained)" in found["alad+dl"]
    assert "no better than untrained ALAD (alad-untrained)" in found["alad+sn"]
    better = result_rows([lines[0], line("alad+sn", f1=0.6)], "kdd99")
    assert not any("untrained" in note for row in better for note in row.notes)


def test_a_row_of_other_widths_is_not_held_against_untrained_alad():
    assert untrained_twin("svhn", "alad-paper")[0] == "alad-paper-untrained"


def test_before_training_the_discriminator_of_codes_changes_no_score_and_the_norm_does():
    X = np.random.default_rng(0).normal(size=(60, 6))

    def scores(**switches: bool) -> np.ndarray:
        return alad.ALAD(max_steps=0, random_state=0, **switches).fit(X).anomaly_score(X)

    assert np.array_equal(scores(latent_discriminator=False), scores())
    assert not np.allclose(scores(spectral_norm=False), scores())


def test_samples_that_are_learnt_from_or_scored_are_told():
    few = line("oc-svm", config={"max_rows": 5_000}, train_rows=9_000)
    told = result_rows([few, line("knn", config={"max_rows": 5_000}, train_rows=400)], "kdd99")
    sampled = "learns from a random sample of 5,000 rows"
    assert [sampled in row.notes for row in told] == [True, False]
    (row,) = result_rows([line("anogan")], "kdd99")
    assert "scored on a random sample of 5,000 test rows" in row.notes
