"""The class-by-class table of the benchmarks of images."""

from __future__ import annotations

import numpy as np
import pytest

import alad
from alad.benchmark import class_tables as tables
from alad.benchmark.class_rows import class_rows
from alad.benchmark.data.image_splits import CLASSES
from alad.benchmark.data.protocols import IMAGE_BENCHMARKS, PROTOCOLS, Protocol
from alad.benchmark.data.splits import Split
from alad.benchmark.row import Row, untrained_name
from alad.benchmark.rows import BENCHMARKS, rows_of
from alad.benchmark.runner import run
from alad.metrics import auroc
from alad.report.tables import Table


def line(detector: str, normal_class: str, auroc: float, seed: int = 0, **more) -> dict:
    return {
        **{"benchmark": "mnist", "protocol": "common", "detector": detector, "seed": seed},
        **{
            "normal_class": normal_class,
            "dataset": normal_class,
            "auroc": auroc,
            "member": 0,
            "settings": "a",
        },
        **{"cell": f"{detector}{normal_class}{seed}", "split": 0, "finished": "2026-01-01"},
        **{"config": {}, **more},
    }


def of_cifar(detector: str, auroc: dict[str, float], **more) -> list[dict]:
    how = {"benchmark": "cifar10", "protocol": "paper", **more}
    return [line(detector, each, value, **how) for each, value in auroc.items()]


def by_class(lines: list[dict], benchmark: str) -> Table:
    return tables.classes_table([row for row in class_rows(lines, benchmark) if row.auroc])


def test_detectors_down_and_classes_across_means_over_runs():
    lines = [line("knn", "0", 0.9), line("alad", "0", 0.6), line("alad", "0", 0.8, seed=1)]
    lines += [line("alad", "1", 0.9)]
    runs = {row.detector: row.runs for row in class_rows(lines, "mnist")}
    assert (runs["knn"], runs["alad"], runs["pca"]) == ("1", "1 to 2", "")
    sheet = by_class(lines, "mnist")
    assert sheet.columns == ("detector", *CLASSES["mnist"], "mean", "deviation", "mean, shared 1")
    assert [row[0] for row in sheet.texts()] == ["knn", "alad"]  # in the order of the benchmark
    knn, alad_row = sheet.texts()
    assert knn[1:3] == ["0.900", ""] and knn[-3:] == ["", "", "0.900"]
    assert alad_row[1:3] == ["0.700", "0.900"]
    assert alad_row[-3:] == ["0.800*", "0.141", "0.700"] and tables.PARTLY in sheet.notes


def test_networks_that_only_energies_have_are_told_by_their_channels():
    config = {"architecture": "cifar10-paper", "max_steps": None, "epochs": 20}
    lines = of_cifar("dsebm-r-paper", {"airplane": 0.7}, config=config)
    (told,) = [row.networks for row in class_rows(lines, "cifar10") if row.runs]
    assert told == "64 channels, ≤ 20 epochs"


def test_means_over_all_classes_have_no_mark():
    lines = [line("knn", each, 0.5 + int(each) / 100) for each in CLASSES["mnist"]]
    sheet = by_class(lines, "mnist")
    assert sheet.columns[-2:] == ("mean", "deviation") and sheet.texts()[0][-2] == "0.545"
    assert tables.PARTLY not in sheet.notes


def test_a_row_that_was_just_begun_leaves_the_shared_classes_to_the_others():
    classes = ("frog", "ship", "deer")
    lines = of_cifar("knn", dict.fromkeys(classes, 0.6)) + of_cifar("alad", {"frog": 0.7})
    rows = {row[0]: row for row in by_class(lines, "cifar10").texts()}
    assert rows["knn"][-1] == "0.600" and rows["alad"][-1] == ""


def test_published_classes_stand_below():
    sheet = by_class(of_cifar("knn", {"frog": 0.7}), "cifar10")
    names = [row[0] for row in sheet.texts()]
    assert names[0] == "knn" and "ALAD, published" in names
    assert len({len(row) for row in [sheet.columns, *sheet.rows]}) == 1


def test_the_mean_is_compared_over_the_classes_that_were_measured():
    config = {"architecture": None, "max_steps": 2_000}
    lines = of_cifar("alad", {"frog": 0.7, "ship": 0.8}, config=config)
    lines += of_cifar("alad-untrained", {"frog": 0.75, "ship": 0.8, "deer": 0.1})
    sheet = tables.means_table(class_rows(lines, "cifar10"))
    rows = {row[0]: dict(zip(sheet.columns, row, strict=True)) for row in sheet.texts()}
    own = rows["alad"]
    assert (own["classes"], own["runs"]) == ("2 of 10", "1")
    assert own["networks"] == "32 channels, 2,000 steps"
    assert own["AUROC"] == "0.7500 ± 0.0707" and own["published"] == "0.6072 ± 0.1201"
    published_mean = (0.776 + 0.761) / 2  # of the paper's figure
    assert own["published, same classes"] == f"{published_mean:.4f}"
    assert own["difference"] == f"{0.75 - published_mean:+.4f}"
    assert own["untrained"] == "0.7750"
    assert "alad: no better than the same networks untrained, over the same classes" in sheet.notes
    assert rows["anogan"]["AUROC"] == "not measured yet" and rows["anogan"]["published as"]
    assert "autoencoder" not in rows  # neither measured nor published
    assert "alad-untrained" not in rows  # told beside alad
    assert any("AnoGAN" in note and "recalled" in note for note in sheet.notes)


def test_over_all_classes_the_printed_mean_counts():
    (own,) = [
        row
        for row in class_rows(of_cifar("alad", dict.fromkeys(CLASSES["cifar10"], 0.6)), "cifar10")
        if row.detector == "alad"
    ]
    assert own.published_over_same == 0.6072
    (svhn,) = [
        row
        for row in class_rows([line("alad", "0", 0.6, protocol="paper")], "svhn")
        if row.detector == "alad"
    ]
    assert svhn.published and svhn.published_over_same is None  # its classes are not known


def test_published_numbers_stand_beside_the_papers_protocol_alone():
    quick = of_cifar("alad", {"frog": 0.7}, protocol="quick", benchmark="cifar10-quick")
    sheet = tables.means_table(class_rows(quick, "cifar10-quick"))
    assert sheet.columns[-1] == "untrained" and tables.REDUCED in sheet.notes
    assert [row[0] for row in sheet.texts()] == ["alad"]
    (mnist,) = [tables.means_table(class_rows([line("knn", "0", 0.9)], "mnist")[-30:])]
    assert tables.NOT_PUBLISHED in mnist.notes


def test_the_settings_that_were_measured_last_count_wherever_they_were_measured():
    def wide(device: str) -> dict:
        own = {"max_steps": 5, "device": device, "random_state": 0, "gamma": None}
        return {"config": {"architecture": "cifar10", **own}}

    lines = of_cifar("alad", {"frog": 0.5, "ship": 0.5, "deer": 0.5})
    lines += of_cifar("alad", {"ship": 0.8}, **wide("cpu"), cell="a")
    lines += of_cifar("alad", {"ship": 0.9}, **wide("cpu"), cell="b")
    lines += of_cifar("alad", {"frog": 0.7}, **wide("cuda"), cell="c")
    (row,) = [row for row in class_rows(lines, "cifar10") if row.auroc]
    assert row.auroc == {"ship": 0.9, "frog": 0.7} and row.runs == "1"
    assert row.networks == "128 channels, 5 steps"


def test_the_ablation_study_is_compared_over_shared_classes():
    lines = of_cifar("alad", {"frog": 0.7, "ship": 0.8, "deer": 0.1})
    assert tables.ablation_table(class_rows(lines, "cifar10")) is None
    lines += of_cifar("alad+dl", {"frog": 0.5, "ship": 0.6})
    sheet = tables.ablation_table(class_rows(lines, "cifar10"))
    assert sheet and list(sheet.columns[-2:]) == ["mean, shared 2", "published"]
    rows = {row[0]: row for row in sheet.texts()}
    assert list(rows) == ["alad-baseline", "alad+dl", "alad+sn", "alad"]
    assert rows["alad+dl"][-2:] == ["0.5500", "0.5361 ± 0.1348"]
    assert rows["alad"][-2:] == ["0.7500", "0.6072 ± 0.1201"]
    assert rows["alad+sn"][-3:] == ["not measured yet", "", "0.5991 ± 0.1308"]


def test_scores_of_one_training_stand_beside_the_papers():
    told = {"features": 0.6, "l1": 0.7}
    lines = of_cifar("alad", {"frog": 0.6, "ship": 0.6}, auroc_by_score=told)
    lines += of_cifar("alad", {"deer": 0.6})  # from before scores were kept apart
    lines += of_cifar("vae", {"frog": 0.6}, auroc_by_score={"bound": 0.65})
    sheet = tables.scores_table(class_rows(lines, "cifar10"))
    assert sheet and [tuple(row) for row in sheet.texts()] == [
        ("alad", "features", "2 of 10", "0.6000 ± 0.0000", "0.6072 ± 0.1201"),
        ("alad", "l1", "2 of 10", "0.7000 ± 0.0000", "0.6066 ± 0.1006"),
        ("vae", "bound", "1 of 10", "0.6500", ""),
    ]
    assert tables.scores_table(class_rows(of_cifar("knn", {"frog": 0.6}), "cifar10")) is None


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
