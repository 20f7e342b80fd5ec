"""Published numbers: read whole, and judged by identities that need no experiment."""

import pytest

from alad.benchmark import published
from alad.benchmark.published import Published, find, notes


def test_the_tables_are_read():
    assert [row.method for row in published.methods("kdd99")][-2:] == ["AnoGAN", "ALAD"]
    alad = find("kdd99", "ALAD")
    assert alad == Published("kdd99", "ALAD", 0.9501, 0.0018, "verified", 0.9427, 0.9577)
    baseline = find("kdd99", "baseline")
    assert baseline and (baseline.f1, baseline.sd) == (0.955, 0.007)
    assert len(published.ablations("kdd99")) == 4 and published.ablations("arrhythmia") == ()
    assert find("kdd99", "k-NN") is None and find("nowhere", "ALAD") is None


def test_every_row_says_how_sure_it_is():
    rows = [row for name in ("kdd99", "arrhythmia") for row in published.methods(name)]
    assert len(rows) == 14
    assert all(row.status.startswith(("verified", "recalled")) for row in rows)


@pytest.mark.parametrize(("benchmark", "ratio"), [("kdd99", 0.98433), ("arrhythmia", 0.94118)])
def test_precision_over_recall_of_the_protocols(benchmark, ratio):
    assert published.FLAGGING[benchmark].precision_over_recall == pytest.approx(ratio, abs=1e-5)


@pytest.mark.parametrize(
    ("benchmark", "unlike"),
    [
        ("kdd99", {"OC-SVM", "DSEBM-r", "DSEBM-e", "AnoGAN"}),
        ("arrhythmia", {"OC-SVM", "DSEBM-r", "DSEBM-e", "DAGMM"}),
    ],
)
def test_rows_of_another_flagged_share_are_told(benchmark, unlike):
    told = {row.method for row in published.methods(benchmark) if "P/R" in " ".join(notes(row))}
    assert told == unlike


def test_only_anogans_kdd_row_has_an_f1_that_cannot_be():
    rows = [row for name in ("kdd99", "arrhythmia") for row in published.methods(name)]
    told = [(row.benchmark, row.method) for row in rows if "cannot be right" in str(notes(row))]
    assert told == [("kdd99", "AnoGAN")]
    note = next(note for note in notes(rows[5]) if "cannot" in note)
    assert "F1 0.8535" in note and "at most 0.8541" in note


def test_an_f1_of_several_runs_may_lie_above_the_harmonic_mean_of_the_means():
    # runs (P, R) = (1, 0.5) and (0.5, 1): both F1 2/3, while P = R = 0.75 on average
    uneven = Published("elsewhere", "m", 2 / 3, None, "verified", 0.75, 0.75)
    assert notes(uneven) == ()
    assert notes(Published("elsewhere", "m", 0.76, None, "verified", 0.75, 0.75))


def test_the_ablation_rows_with_sn_say_that_the_code_has_none():
    told = [row.method for row in published.ablations("kdd99") if notes(row)]
    assert told == ["Baseline + SN", "Baseline + SN + DL (ALAD)"]


def test_means_on_images_their_classes_ablations_and_scores():
    alad = published.mean_of("cifar10", "ALAD")
    assert alad and (alad.auroc, alad.sd, alad.by_class["truck"]) == (0.6072, 0.1201, 0.418)
    for row in published.on_images("cifar10"):
        bars = list(row.by_class.values())
        assert len(bars) == 10 and sum(bars) / 10 == pytest.approx(row.auroc, abs=0.002)
    svhn = published.mean_of("svhn", "IF")
    assert svhn and svhn.auroc == 0.5163 and svhn.by_class == {}
    baseline = published.mean_of("cifar10", "baseline")
    assert baseline and (baseline.method, baseline.auroc) == ("Baseline (ALICE)", 0.5701)
    assert published.mean_of("svhn", "baseline") is None and published.on_images("mnist") == ()
    assert published.score_means("cifar10")["logits"].auroc == 0.5396
    assert published.score_means("svhn") == {}
