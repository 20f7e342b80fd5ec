"""Standings over many tables: means and ranks worked out by hand, published numbers beside them."""

import pytest

from alad import published
from alad.benchmark.cells import cells
from alad.benchmark.rows import rows_of
from alad.benchmark.runner import run
from alad.benchmark.standings import mean_ranks, sheets, standings
from alad.data import protocols
from alad.data.adbench import SMALL, STEMS
from alad.errors import InputError


def line(detector, dataset, auroc, protocol="published", member: int | str = 0):
    named = {"protocol": protocol, "detector": detector, "dataset": dataset, "member": member}
    return {
        **named,
        "settings": "s",
        "cell": f"{dataset}",
        "auroc": auroc,
        "average_precision": 0.5,
    }


def test_mean_ranks_by_hand():
    rows = {"a": {"t": 0.9, "u": 0.5}, "b": {"t": 0.8, "u": 0.5}, "c": {"t": 0.7, "u": 0.6}}
    # on t: 1, 2, 3; on u c is first and the others share ranks 2 and 3
    assert mean_ranks(rows) == {"a": 1.75, "b": 2.25, "c": 2.0}
    assert mean_ranks({**rows, "d": {"t": 1.0}}) == {"a": 2, "b": 3, "c": 4, "d": 1}
    assert mean_ranks({**rows, "d": {"v": 1.0}}) == {} and mean_ranks({}) == {}


def test_small_tables_stand_apart_and_published_ones_beside_their_own_protocol():
    found = standings(
        [
            line("knn", "cardio", 0.9),
            line("knn", "wilt", 0.7),
            line("knn", "glass", 0.8),
            line("knn", "wilt", 0.6, protocol="random"),
            line("alad", "wilt", 0.5),
            line("alad", "wilt", 0.7, member="ensemble"),
        ]
    )
    shown = [(row.protocol, row.detector, row.tables, round(row.auroc, 6)) for row in found]
    assert shown == [
        ("random", "knn", 1, 0.6),
        ("published", "knn", 2, 0.8),
        ("published", "alad", 1, 0.5),
        ("published", "alad, ensemble", 1, 0.7),
        ("published", "knn", 1, 0.8),
    ]
    random, knn, alad, together, small = found
    assert random.published is alad.published is None
    assert knn.published_auroc == pytest.approx((0.92 + 0.6366) / 2)
    assert small.published_auroc == pytest.approx(0.9204)
    # on wilt, the table that all have, k-NN and the ensemble share the first two ranks
    assert (knn.rank, together.rank, alad.rank) == (1.5, 1.5, 3)


def test_sheets_hold_published_methods_that_are_not_ours():
    shown = sheets(standings([line("knn", "wilt", 0.7)]))
    assert len(shown) == 2
    table = {row[5]: row for row in shown[0].rows}
    assert table["kNN"][2:] == ("70.00", "50.00", "1.00", "kNN", "63.66", "12.25", "+6.34")
    assert table["GANomaly"][:2] == ("", "1")
    assert shown[1].rows == [("wilt", "70.00 (63.66)")]


def test_the_published_numbers_are_those_of_the_publication():
    known = published.one_class()
    assert all(set(number.auroc) == set(STEMS) for number in known.values())
    large = [table for table in STEMS if table not in SMALL]
    means = {name: sum(known[name].auroc[t] for t in large) / 16 for name in ("kNN", "GANomaly")}
    assert means == pytest.approx({"kNN": 0.815, "GANomaly": 0.716}, abs=0.0006)
    ours = {row.published for row in rows_of("adbench")} - {None}
    assert ours <= set(known)


def test_cells_of_tables_have_their_own_keys_and_keep_those_of_others():
    found = cells("adbench", ["published"], ["knn"], datasets=["wilt", "cardio", "glass"])
    assert [(cell.dataset, cell.split) for cell in found] == [
        *(("cardio", 0), *(("glass", split) for split in range(5)), ("wilt", 0)),
    ]
    keys = {cell.key(cell.config(cell.detector())) for cell in found}
    assert len(keys) == len(found)
    with pytest.raises(InputError, match="dataset 'wild'"):
        cells("adbench", datasets=["wild"])
    with pytest.raises(InputError, match="dataset"):
        cells("kdd99", datasets=["wilt"])


@pytest.fixture
def two_tables(toy, monkeypatch):
    """The benchmark "toy" over two tables of one row each."""

    own = protocols.PROTOCOLS["toy"]["clean"].split

    def split(seed, data_dir, name):
        return own(seed + len(name), data_dir)

    several = protocols.Protocol("two tables", (), split, tables={"one": (0,), "three": (0, 1)})
    monkeypatch.setitem(protocols.PROTOCOLS["toy"], "paper", several)
    return toy


def test_the_runner_measures_every_table_and_says_which(two_tables, tmp_path):
    lines = run("toy", protocols=["paper"], detectors=["once"], results=tmp_path).lines()
    assert [(one["dataset"], one["split"]) for one in lines] == [
        *(("one", 0), ("three", 0), ("three", 1)),
    ]
    assert lines[0]["command"] == "alad bench toy --protocol paper --dataset one --detector once"
    assert len({one["cell"] for one in lines}) == 3
