"""Cells: which fits a benchmark consists of, and that its rows are what they are called."""

from pathlib import Path

import pytest

from alad import catalogue
from alad.benchmark.cells import cells, digest
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.results_file import ResultsFile
from alad.benchmark.row import ablation_of
from alad.benchmark.rows import rows_of
from alad.errors import InputError


def test_runs_are_members_seeds_or_splits(toy):
    found = [(c.protocol, c.row.name, c.split, c.seed, c.members) for c in cells("toy", runs=2)]
    assert found == [
        ("paper", "once", 42, 0, 1),
        ("paper", "seeded", 42, 0, 1),
        ("paper", "seeded", 42, 1, 1),
        ("paper", "family", 42, 0, 2),
        *(("clean", name, s, s, 1) for s in (0, 1) for name in ("once", "seeded", "family")),
    ]


def test_all_splits_and_ten_runs_unless_told_otherwise(toy):
    everything = cells("toy")
    assert [c.members for c in everything if c.row.members and c.protocol == "paper"] == [10]
    assert {c.split for c in everything if c.protocol == "clean"} == {0, 1, 2}


def test_a_fit_of_hours_is_made_in_halves_of_one_row():
    first, second = cells("kdd99", ["paper"], ["alad-paper"])
    configs = [cell.config(cell.detector()) for cell in (first, second)]
    assert [config["members"] for config in configs] == [5, [5, 6, 7, 8, 9]]
    settings = [
        digest(cell.settings(config)) for cell, config in zip((first, second), configs, strict=True)
    ]
    assert settings[0] == settings[1] and first.key(configs[0]) != second.key(configs[1])


def test_committed_results_are_those_of_the_cells():
    """A parameter that comes later must not make what was measured count as not measured."""
    committed = ResultsFile(Path(__file__).parents[2] / "results" / "kdd99.jsonl").finished()
    for row in ("isolation-forest", "alad-paper"):
        (own, *_) = cells("kdd99", ["paper"], [row])
        assert own.key(own.config(own.detector())) in committed


def test_committed_results_of_the_one_class_tables_are_those_of_the_cells():
    committed = ResultsFile(Path(__file__).parents[2] / "results" / "one-class.jsonl").finished()
    controls = ["isolation-forest", "knn", "lof", "neighbour-ratio", "kcm", "kernel-pca"]
    controls += ["denoising-autoencoder", "denoising-autoencoder-untrained"]
    for cell in cells("one-class", ["random"], controls, runs=1):
        assert cell.key(cell.config(cell.detector())) in committed


@pytest.mark.parametrize("benchmark", ["cifar10", "cifar10-quick", "mnist-quick"])
def test_committed_results_of_images_are_those_of_the_cells(benchmark):
    committed = ResultsFile(Path(__file__).parents[2] / "results" / f"{benchmark}.jsonl").finished()
    protocol = "quick" if benchmark.endswith("quick") else "paper"
    for row in ("isolation-forest", "alad"):
        (own, *_) = cells(benchmark, [protocol], [row])
        assert own.key(own.config(own.detector())) in committed


def test_names_are_chosen_and_checked(toy):
    assert {c.row.name for c in cells("toy", ["clean"], ["once"])} == {"once"}
    for wrong in ({"protocols": ["dirty"]}, {"detectors": ["none"]}, {"runs": 0}):
        with pytest.raises(InputError):
            cells("toy", **wrong)
    with pytest.raises(InputError, match="kdd99"):
        cells("kdd98")


def test_incidental_parameters_do_not_make_another_cell(toy):
    cell = cells("toy", ["paper"], ["family"], runs=2)[0]
    quiet = cell.config(cell.detector())
    assert quiet == cell.config(cell.detector(verbose=1, checkpoint="somewhere"))
    assert quiet == {"noise": 1.0, "random_state": 0, "members": 2}
    assert digest(quiet) != digest(cell.config(cell.detector(noise=2.0)))


def test_parameters_that_a_detector_lacks_are_not_set(toy):
    cell = cells("toy", ["paper"], ["once"])[0]
    assert "device" not in cell.detector(device="cuda").get_params()


def test_what_takes_hours_comes_last():
    assert cells("kdd99")[-1].row.name == "alad-paper"


def test_the_ablation_study_of_images_comes_after_the_comparison():
    names = [cell.row.name for cell in cells("cifar10", ["paper"])]
    study = ["alad-baseline", "alad+dl", "alad+sn"]
    hours = ["alad-paper", "dsebm-r-paper", "dsebm-e-paper"]
    assert names[-60:] == [*study * 10, *hours * 10]
    assert "alad" in names[:-60] and not set(study) & set(names[:-60])


@pytest.mark.parametrize("benchmark", ["kdd99", "arrhythmia", "cifar10", "cifar10-quick"])
def test_the_ablation_study_is_whole_and_nothing_is_trained_twice(benchmark):
    rows = {row.name: row for row in rows_of(benchmark)}
    assert len(rows) == len(rows_of(benchmark))
    others = ("alad-paper", "alad-projected")  # longer training, another score
    family = [row for row in rows.values() if row.trained and row.name not in others]
    # the default of tables has another form than the published
    assert "alad-default" not in rows or ablation_of(rows["alad-default"]) is None
    studied = [ablation_of(row) for row in family if row.detector == "alad" and row.preset]
    assert sorted(studied) == ["baseline", "dl", "sn", "sn+dl"]
    for name, row in rows.items():
        if row.published in ("baseline", "dl", "sn", "sn+dl"):
            assert ablation_of(row) == row.published == name.removeprefix("alad").strip("-+")


@pytest.mark.parametrize("benchmark", ["kdd99", "arrhythmia"])
def test_every_row_can_be_made_and_untrained_means_no_step(benchmark):
    for cell in cells(benchmark, runs=2):
        detector = cell.detector(verbose=0)
        config = cell.config(detector)
        assert type(detector) is type(catalogue.make(cell.row.detector))
        assert set(cell.row.protocols) <= set(PROTOCOLS[benchmark])
        if cell.row.detector == "alad":
            assert (config["max_steps"] == 0) is not cell.row.trained
            assert config["members"] == cell.members
