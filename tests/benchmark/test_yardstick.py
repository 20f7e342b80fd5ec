"""Means, ranks, wins, leads and their intervals over many tables, by hand; a choice confirmed."""

import json

import numpy as np
import pytest

from alad import cli
from alad.benchmark.results_file import ResultsFile
from alad.benchmark.tables import rows_in, tables_of
from alad.benchmark.yardstick import bootstrapped, confirmations, lead_over, ratings
from alad.errors import InputError


def line(detector: str, dataset: str, auroc: float, split: int = 0, protocol: str = "random"):
    return {
        **{"protocol": protocol, "detector": detector, "dataset": dataset, "member": 0},
        **{"split": split, "seed": split, "cell_lines": 1, "settings": "s", "config": {}},
        "cell": f"{protocol} {detector} {dataset} {split}",
        "auroc": auroc,
        "average_precision": auroc / 2,
    }


def lines_of(detector: str, *aurocs: float, **how):
    tables = ("cardio", "wilt", "car", "vehicle")
    return [line(detector, at, auroc, **how) for at, auroc in zip(tables, aurocs, strict=False)]


LINES = [
    *lines_of("neighbour-ratio", 0.9, 0.5, 0.8),
    *lines_of("knn", 0.8, 0.6, 0.8),
    *lines_of("kcm", 0.7, 0.9, 0.3),
]


def test_means_ranks_and_wins_by_hand():
    """Ranks on cardio 1, 2, 3; on wilt 3, 2, 1; on car the first two share 1 and 2."""
    knn, ratio, kcm = ratings(LINES)
    assert [row.detector for row in (ratio, knn, kcm)] == ["neighbour-ratio", "knn", "kcm"]
    assert [row.mean["auroc"] for row in (ratio, knn, kcm)] == pytest.approx(
        [2.2 / 3, 2.2 / 3, 1.9 / 3]
    )
    assert knn.mean["average_precision"] == pytest.approx(1.1 / 3)
    assert [row.rank["auroc"] for row in (ratio, knn, kcm)] == pytest.approx(
        [5.5 / 3, 5.5 / 3, 7 / 3]
    )
    assert [row.wins["auroc"] for row in (ratio, knn, kcm)] == [1.5, 0.5, 1]


def test_leads_over_the_control_by_hand():
    """k-NN: -0.1, +0.1, 0; kcm: -0.2, +0.4, -0.5.

    The latter's mean is -0.1, without car +0.1, without wilt -0.35.
    """
    knn, ratio, kcm = ratings(LINES)
    assert ratio.lead == {}
    assert knn.lead["auroc"].interval.mean == pytest.approx(0)
    lead = kcm.lead["auroc"]
    assert lead.interval.mean == pytest.approx(-0.1)
    assert (lead.least, lead.most) == pytest.approx((-0.35, 0.1))
    assert lead.interval.low < -0.35 and lead.interval.high > 0.1
    assert kcm.lead["average_precision"].interval.mean == pytest.approx(-0.05)


def test_leads_are_of_the_same_splits():
    """The control was measured on splits 0 and 1, the row on 1 and 2: split 1 alone counts."""
    control = {"car": {0: 0.1, 1: 0.5}, "wilt": {1: 0.5}}
    row = {"car": {1: 0.7, 2: 0.0}, "wilt": {1: 0.4}}
    lead = lead_over(row, control, ["car", "wilt"])
    assert lead.interval.mean == pytest.approx(0.05)
    assert (lead.least, lead.most) == pytest.approx((-0.1, 0.2))


def test_tables_that_not_all_rows_have_do_not_count_and_rows_with_few_are_not_compared():
    lines = [*LINES, *lines_of("knn", 0, 0, 0, 0.99)[3:], line("lof", "cardio", 0.99)]
    rows = {row.detector: row for row in ratings(lines)}
    assert rows["knn"].tables == 3 and rows["knn"].own_tables == 4
    assert rows["knn"].mean["auroc"] == pytest.approx(2.2 / 3)
    assert rows["lof"].mean == rows["lof"].lead == {} and rows["lof"].own_tables == 1
    assert rows["neighbour-ratio"].wins["auroc"] == 1.5


def test_splits_of_a_table_are_averaged_before_tables_are():
    lines = [*LINES, line("knn", "cardio", 0.4, split=1), line("knn", "cardio", 0.6, split=2)]
    (knn,) = [row for row in ratings(lines) if row.detector == "knn"]
    assert knn.by_table["auroc"]["cardio"] == pytest.approx(0.6)
    assert knn.mean["auroc"] == pytest.approx(2.0 / 3) and knn.runs == (1, 3)


def test_protocols_stand_apart():
    lines = [*LINES, *lines_of("knn", 0.1, 0.2, protocol="published")]
    assert [row.protocol for row in ratings(lines)] == ["random"] * 3 + ["published"]
    assert [row.detector for row in rows_in(lines, "one-class", ["published"])] == ["knn"]


# --- intervals ------------------------------------------------------------------------------------


def test_intervals_are_as_wide_as_theory_says():
    """Of the mean of 100 tables of deviation 1: ± 1.645 / 10; one split a table."""
    values = np.random.default_rng(0).normal(size=100)
    found = bootstrapped([np.array([value]) for value in values])
    assert found.mean == pytest.approx(values.mean())
    half = 1.645 * values.std() / 10
    assert found.high - found.mean == pytest.approx(half, rel=0.15)
    assert found.mean - found.low == pytest.approx(half, rel=0.15)
    assert found == bootstrapped([np.array([value]) for value in values])


def test_splits_widen_an_interval_where_tables_agree():
    alike, different = [np.zeros(3)] * 20, [np.array([-1.0, 0.0, 1.0])] * 20
    assert bootstrapped(alike).low == bootstrapped(alike).high == 0
    assert bootstrapped(different).high > 0.05


# --- tables, and the choice -----------------------------------------------------------------------


def test_tables_are_narrow_and_published_methods_stand_among_ours():
    means, leads, beside = tables_of(rows_in(LINES, "one-class"))
    assert all(len(table.columns) <= 7 for table in (means, leads, beside))
    (knn, *_) = means.texts()
    assert knn == ["knn", "73.3", "36.7", "1.8", "1.8", "0.5", "1"]
    kcm = leads.texts()[-1]
    assert kcm[0] == "kcm" and kcm[1].startswith("-10.0 (") and kcm[2] == "-35.0…+10.0"
    # on cardio and wilt, ADBench's tables that all of ours have
    shown = {row[0]: row[1:] for row in beside.texts()}
    assert shown["kcm"] == ["80.0", "40.0"] and "KCM-iso-LOO, published" in shown
    assert [float(row[1]) for row in beside.texts()] == sorted(
        (float(row[1]) for row in beside.texts()), reverse=True
    )


def test_a_choice_is_among_what_all_have():
    lines = [*LINES, *lines_of("knn", 0, 0, 0, 0.99)[3:], line("knn", "car", 0.5, split=1)]
    found = confirmations(lines, "neighbour-ratio", "random")
    assert found["auroc"].tables == 3 and found["auroc"].seeds == 1
    assert found["auroc"].configurations == 2
    alone = confirmations(lines, "neighbour-ratio", "random", ["knn"])
    assert alone["auroc"].chosen == {"knn": 1.0}
    # of three tables one chooses; the lead is confirmed on the other two: -0.1, +0.1 and 0
    assert alone["auroc"].lead.mean == pytest.approx(0, abs=0.01)


def test_a_control_without_lines_is_refused():
    with pytest.raises(InputError, match=r"nothing of 'lof' is measured .*choose one of: knn, n"):
        confirmations(LINES, "lof", "random")


def test_the_command_chooses_and_confirms(tmp_path, capfd):
    ResultsFile(tmp_path / "one-class.jsonl").append(LINES)
    command = ["bench", "one-class", "--choose", "neighbour-ratio", "--results", str(tmp_path)]
    assert cli.run(command) == 0
    shown = capfd.readouterr().out
    assert (
        "2 configurations; tables: 3, splits of each: 1" in shown and "lead where chosen" in shown
    )
    assert cli.run([*command, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["random"]["auroc"]
    assert found["control"] == "neighbour-ratio" and found["repetitions"] == 1000
    for wrong, complaint in (
        (["bench", "kdd99", "--choose", "knn"], "--choose is for one-class"),
        (["bench", "one-class", "--choose", "nn"], "one-class has no detector 'nn'"),
    ):
        assert cli.run(wrong) == 2
        assert complaint in capfd.readouterr().err
