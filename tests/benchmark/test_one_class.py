"""The class-by-class table of the benchmarks of images."""

from __future__ import annotations

import numpy as np
import pytest

import alad
from alad.benchmark import one_class
from alad.benchmark.row import Row, untrained_name
from alad.benchmark.rows import BENCHMARKS, rows_of
from alad.benchmark.runner import run
from alad.data.image_splits import CLASSES
from alad.data.protocols import IMAGE_BENCHMARKS, PROTOCOLS, Protocol
from alad.data.splits import Split
from alad.metrics import auroc


def line(detector: str, normal_class: str, auroc: float, seed: int = 0) -> dict:
    return {
        **{"benchmark": "mnist", "protocol": "common", "detector": detector, "seed": seed},
        **{"normal_class": normal_class, "auroc": auroc, "member": 0, "settings": "a"},
        **{"cell": f"{detector}{normal_class}{seed}", "split": 0, "finished": "2026-01-01"},
    }


def test_detectors_down_and_classes_across_means_over_runs():
    lines = [line("knn", "0", 0.9), line("alad", "0", 0.6), line("alad", "0", 0.8, seed=1)]
    lines += [line("alad", "1", 0.9)]
    (sheet,) = one_class.sheets(lines, "mnist")
    assert sheet.heads == ("detector", *CLASSES["mnist"], "mean", "deviation", "mean, shared 1")
    assert [row[0] for row in sheet.rows] == ["knn", "alad"]  # in the order of the benchmark
    assert sheet.rows[0][1:3] == ("0.900", "") and sheet.rows[0][-3:] == ("", "", "0.900")
    assert sheet.rows[1][1:3] == ("0.700", "0.900")
    assert sheet.rows[1][-3:] == ("0.800*", "0.141", "0.700") and one_class.PARTLY in sheet.notes


def test_means_over_all_classes_have_no_mark():
    lines = [line("knn", each, 0.5 + int(each) / 100) for each in CLASSES["mnist"]]
    (sheet,) = one_class.sheets(lines, "mnist")
    assert sheet.heads[-2:] == ("mean", "deviation") and sheet.rows[0][-2] == "0.545"
    assert one_class.PARTLY not in sheet.notes


def test_published_classes_stand_below():
    of_cifar = line("knn", "frog", 0.7) | {"benchmark": "cifar10", "protocol": "paper"}
    (sheet,) = one_class.sheets([of_cifar], "cifar10")
    names = [row[0] for row in sheet.rows]
    assert names[0] == "knn" and "ALAD, published" in names
    assert len({len(row) for row in [sheet.heads, *sheet.rows]}) == 1


@pytest.mark.parametrize("benchmark", [*CLASSES, *(f"{name}-quick" for name in CLASSES)])
def test_every_method_with_networks_has_its_untrained_twin(benchmark):
    rows = {row.name: row for row in rows_of(benchmark)}
    methods = ("alad", "anogan", "autoencoder", "robust-autoencoder", "vae", "dagmm")
    for name in (*methods, "dsebm-r", "dsebm-e"):
        twin = rows[untrained_name(name)]
        assert not twin.trained and twin.params()["max_steps"] == 0
        assert rows[name].trained and rows[name].preset == "images"
    assert rows["anogan"].test_rows == rows["anogan-untrained"].test_rows <= 500


def test_a_line_has_the_auroc_of_every_score_of_one_training(monkeypatch, tmp_path):
    generator = np.random.default_rng(0)
    train, test = (generator.integers(0, 256, (n, 8, 8, 1), np.uint8) for n in (40, 60))
    odd = np.arange(60) < 20
    test[odd] //= 2
    splits = Protocol("", (), lambda *_: Split(train, test, odd, 10.0), tables={"0": (42,)})
    narrow = {"architecture": "narrow", "max_steps": 3, "batch_size": 8, "patience": None}
    rows = (
        Row("alice", "alice", changes=narrow, protocols=("quick",)),
        Row("knn", "knn", protocols=("quick",)),
        Row("sampled", "autoencoder", changes=narrow, protocols=("quick",), test_rows=50),
    )
    for known, content in (
        (BENCHMARKS, rows),
        (PROTOCOLS, {"quick": splits}),
        (IMAGE_BENCHMARKS, {"quick": splits}),
    ):
        monkeypatch.setitem(known, "pictures", content)
    lines = {line["detector"]: line for line in run("pictures", runs=1, results=tmp_path).lines()}
    found = lines["alice"]["auroc_by_score"]
    model = alad.ALICE(**narrow, calibration_fraction=0.0, random_state=0).fit(train)
    expected = {name: auroc(model.score_as(test, name), odd) for name in found}
    assert found == expected and found.keys() >= {"features", "logits", "l1", "l2"}
    assert found["features"] == lines["alice"]["auroc"] and len(set(found.values())) > 2
    assert all("auroc_by_score" not in lines[name] for name in ("knn", "sampled"))
