"""Standings over many tables: means and ranks worked out by hand, published numbers beside them."""

import pytest

from alad import catalogue
from alad.benchmark import published
from alad.benchmark.cells import cells
from alad.benchmark.data import protocols
from alad.benchmark.data.adbench import SMALL, STEMS
from alad.benchmark.leaderboard import leaderboard_tables, mean_ranks, standings
from alad.benchmark.rows import rows_of
from alad.benchmark.runner import run
from alad.benchmark.summary import UNMEASURED
from alad.errors import InputError
from alad.report.tables import Table


def line(detector, dataset, auroc, protocol="published", member: int | str = 0):
    named = {"protocol": protocol, "detector": detector, "dataset": dataset, "member": member}
    return {
        **named,
        "settings": "s",
        "config": {},
        "cell": f"{dataset}",
        "auroc": auroc,
        "average_precision": 0.5,
    }


def means_of(rows) -> list[Table]:
    return leaderboard_tables(rows, one_by_one=False)


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
    shown = leaderboard_tables(standings([line("knn", "wilt", 0.7)]))
    assert len(shown) == 2
    heads = list(shown[0].columns)
    assert len(set(heads)) == len(heads)
    table = {
        row[heads.index("published as")]: dict(zip(heads, row, strict=True))
        for row in shown[0].texts()
    }
    own, alone = table["kNN"], table["GANomaly"]
    assert (own["AUROC"], own["AP"], own["mean rank"], own["runs"]) == (
        "70.00",
        "50.00",
        "1.00",
        "1",
    )
    assert (own["published AUROC"], own["published AP"]) == ("63.66", "12.25")
    assert own["difference"] == "+6.34" and own["tables"] == "1 of 16"
    assert (alone["detector"], alone["tables"]) == ("published only", "1")
    assert shown[1].texts() == [["knn", "70.00"], ["kNN, published", "63.66"]]


def test_a_protocol_without_published_numbers_has_no_columns_for_them():
    (shown,) = means_of(standings([line("knn", "wilt", 0.7, protocol="random")]))
    assert not any("published" in head for head in shown.columns)


def test_a_mean_over_fewer_tables_is_marked_and_the_ranks_are_over_shared_ones():
    tables = ("cardio", "wilt", "cover")
    lines = [line("knn", table, 0.9) for table in tables]
    lines += [line("pca", table, 0.8) for table in tables]
    lines += [line("lof", table, 0.7) for table in tables[:2]]
    lines += [line("oc-svm", "cover", 0.95)]  # one of three: too few to rank by
    found = {row.detector: row for row in standings(lines)}
    assert {name: row.rank for name, row in found.items()} == {
        "knn": 1,
        "pca": 2,
        "lof": 3,
        "oc-svm": None,
    }
    assert all(row.shared_tables == 2 for row in found.values())
    (sheet,) = means_of(found.values())
    rows = {row[0]: dict(zip(sheet.columns, row, strict=True)) for row in sheet.texts()}
    assert rows["knn"]["AUROC"] == "90.00" and rows["lof"]["AUROC"] == "70.00*"
    assert rows["oc-svm"]["AUROC"] == "95.00*" and rows["oc-svm"]["AUROC, shared 2"] == ""
    assert rows["lof"]["AUROC, shared 2"] == "70.00"
    assert any("of 3 rows, over 2 tables" in note for note in sheet.notes)
    assert any(note.startswith("* over fewer tables") for note in sheet.notes)


def test_rows_that_were_not_measured_are_listed_where_asked_for():
    lines = [line("knn", "wilt", 0.7)]
    found = [row for row in standings(lines, whole=True) if row.protocol == "published"]
    assert {row.detector for row in found} == {row.name for row in rows_of("adbench")}
    sheet = means_of(found)[0]
    rows = {row[0]: dict(zip(sheet.columns, row, strict=True)) for row in sheet.texts()}
    assert rows["alice"]["AUROC"] == UNMEASURED and rows["alice"]["tables"] == "0 of 16"
    assert {len(row) for row in sheet.rows} == {len(sheet.columns)}


def test_every_detector_is_a_row_and_so_are_its_untrained_networks():
    rows = rows_of("adbench")
    assert {row.detector for row in rows} == set(catalogue.DETECTORS)
    networks = {row.detector for row in rows if not row.trained}
    assert networks == {row.detector for row in rows if row.members}


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
