"""The group-by over results lines; and that every committed line counts, or why it does not."""

from pathlib import Path

import pytest

from alad.benchmark.cells import cells
from alad.benchmark.data.protocols import IMAGE_BENCHMARKS, PROTOCOLS
from alad.benchmark.results_file import Line, ResultsFile, measured
from alad.benchmark.rows import rows_of
from alad.benchmark.score_curves import ScoresJob
from alad.benchmark.summary import Group, Spread, from_to, group_by, noted, out_of, settings_of
from alad.paper import FULL

RESULTS = Path(__file__).parents[2] / "results"
FILES = ("adbench", "arrhythmia", "kdd99", "cifar10", "cifar10-quick", "mnist-quick")
RESCALED = {"scaling"}  # minmax became the default of DAGMM
LONGER = {"patience", "max_steps"}  # the stopping rule of ALAD on KDD99
# Settings that were measured and are superseded: (results file, detector) -> what has changed since
SUPERSEDED = {
    **{("adbench", name): RESCALED for name in ("dagmm", "dagmm-untrained")},
    **{
        ("arrhythmia", f"dagmm{name}"): RESCALED
        for name in ("", "-untrained", "-paper", "-paper-untrained")
    },
    **{("kdd99", f"alad{name}"): LONGER for name in ("", "-untrained", "-baseline", "+dl", "+sn")},
    **{("kdd99", f"dagmm{name}"): RESCALED for name in ("", "-untrained", "-paper-untrained")},
    **{
        ("kdd99", f"robust-autoencoder{name}"): {"epochs", "max_steps"}
        for name in ("", "-untrained")
    },
}


def line(member: int | str = 0, auroc: float = 0.5, **more) -> Line:
    named = {"protocol": "paper", "detector": "knn", "cell": "c", "split": 0, "seed": 0}
    return {**named, "member": member, "auroc": auroc, "config": {}, **more}


def test_lines_are_grouped_by_what_they_say_in_their_own_order():
    lines = [line(dataset="b"), line(dataset="a"), line(dataset="b", member=1)]
    groups = group_by(lines, "protocol", "dataset")
    assert list(groups) == [("paper", "b"), ("paper", "a")]
    assert [len(group.lines) for group in groups.values()] == [2, 1]
    assert list(group_by([line()], "dataset")) == [(None,)]


def test_the_settings_measured_last_count_and_each_run_once():
    old, new = {"max_steps": 1}, {"max_steps": 2, "device": "cuda", "gamma": None}
    lines = [line(config=old), line(auroc=0.6, config=new), line(member=1, auroc=0.7, config=new)]
    lines.append(line(auroc=0.8, config={"max_steps": 2}, cell="d"))  # the first, measured again
    group = Group([*lines, line(error="E: no", cell="e")])
    assert group.spread("auroc") == Spread(pytest.approx(0.75), pytest.approx(0.0707107), 2)
    assert group.errors == ("failed: E: no",)
    assert Group().spread("auroc") is None and Group().errors == ()


def test_halves_of_one_row_are_other_members_with_an_ensemble_each():
    halves = [[0, 1], [2, 3]]
    lines = [
        line(member, 0.1 * at, config={"members": 2 if at == 0 else own}, cell=str(at))
        for at, own in enumerate(halves)
        for member in (*own, "ensemble")
    ]
    group = Group(lines)
    assert len(group.single.current) == 4 and len(group.ensemble.current) == 2


def test_notes_and_counts_in_words():
    assert noted([("a", ["x", "y"]), ("b", ["x"])]) == ["a, b: x", "a: y"]
    assert (out_of(7, 10), out_of(10, 10)) == ("7 of 10", "10")
    assert (from_to([]), from_to([3, 3]), from_to([2, 3, 1])) == ("", "3", "1 to 3")


# --- committed results ----------------------------------------------------------------------------


def groups_of(name: str) -> dict[tuple, Group]:
    """Runs as the tables of a benchmark group them."""
    keys = ("protocol", "detector", *(() if name in IMAGE_BENCHMARKS else ("dataset",)))
    return group_by(ResultsFile(RESULTS / f"{name}.jsonl").lines(), *keys)


@pytest.mark.parametrize("name", FILES)
def test_every_committed_line_is_used_by_a_row_or_is_superseded_by_what_is_stated(name):
    rows = {row.name for row in rows_of(name)}
    for (protocol, detector, *dataset), group in groups_of(name).items():
        assert detector in rows and protocol in PROTOCOLS[name]
        assert set(dataset) <= set(PROTOCOLS[name][protocol].parts())
        current = {id(line) for line in group.current}
        now = settings_of(group.current[-1])
        for line in measured(group.lines):
            then = settings_of(line)
            changed = {key for key in now.keys() | then.keys() if now.get(key) != then.get(key)}
            assert changed <= SUPERSEDED.get((name, detector), set())
            # one of the present settings is used, or was measured once more
            run = (line.get("dataset"), line["split"], line["seed"], line["member"])
            again = [
                (one.get("dataset"), one["split"], one["seed"], one["member"])
                for one in group.current
            ]
            assert changed or id(line) in current or run in again
        assert group.current


@pytest.mark.parametrize("name", ["arrhythmia", "kdd99", "cifar10-quick", "mnist-quick"])
def test_no_run_that_was_measured_is_measured_again(name):
    """Keys of cells are digests over parameters by name: names that change lose what was done."""
    planned = {cell.key(cell.config(cell.detector())) for cell in cells(name)}
    used = {line["cell"] for group in groups_of(name).values() for line in group.current}
    assert used and used <= planned


def test_no_score_that_was_measured_is_measured_again():
    file = ResultsFile(RESULTS / "paper" / "scores.jsonl")
    keys = {
        key
        for view in FULL.views
        for cell in cells(view[0], [view[1]], [view[2]])
        for key in ScoresJob(cell, file, {}, False).keys
    }
    assert {line["cell"] for line in measured(file.lines())} <= keys
