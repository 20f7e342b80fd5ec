"""The verbs, from files to files, and how they say no."""

import json
import re
import resource
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.core import TyperGroup

import alad
from alad import catalogue, cli, presets
from alad.cli.options import separated
from alad.data.refusals import drop_option
from alad.data.writing import write_table
from alad.encoding import SCALINGS
from alad.training import loop


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty working folder with normal.csv (80 rows) and new.csv (20 rows, the last one odd)."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for name, count in (("normal", 80), ("new", 20)):
        write_table(table(generator, count, odd=name == "new"), f"{name}.csv")
    return tmp_path


def table(generator: np.random.Generator, count: int, odd: bool) -> pa.Table:
    numbers = generator.normal(size=(count, 2))
    kinds = generator.choice(["tcp", "udp"], count)
    if odd:
        numbers[-1] = 30
    columns = {
        "id": 1000 + np.arange(count) * 3 % 71,
        "a": numbers[:, 0],
        "b": numbers[:, 1],
        "kind": kinds,
    }
    return pa.table(columns)


@pytest.fixture
def model(folder) -> str:
    assert cli.run("fit normal.csv -o model --detector knn --drop id --quiet".split()) == 0
    return "model"


def refused(capfd, command: str, *words: str, status: int = 2) -> None:
    """The command is refused with one line on stderr that holds all the words, and nothing else."""
    assert cli.run(command.split()) == status
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("alad: ")
    assert [word for word in words if word not in err] == []


# --- help -----------------------------------------------------------------------------------------


def test_help_is_quick_and_shows_every_verb():
    """Half a second is promised. Processor time, the best of five: test machines are busy."""
    seconds = []
    for _ in range(5):
        begun = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "alad", "--help"]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime)
    assert [v for v in ("fit", "score", "info", "bench", "demo") if v not in run.stdout] == []
    assert min(seconds) < 0.5


def test_without_arguments_shows_the_help(capfd):
    assert cli.run([]) == 0
    assert "Usage: alad" in capfd.readouterr().out


@pytest.mark.parametrize("more", [[], ["score"]])
def test_version(capfd, more):
    assert cli.run(["--version", *more]) == 0
    assert capfd.readouterr().out == f"alad {alad.__version__}\n"


def scores_of(name: str) -> tuple[str, ...]:
    return catalogue.detector_class(name).model.offered(images=False)


def test_help_of_fit_names_what_there_is(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    assert cli.run(["fit", "--help"]) == 0
    shown = capfd.readouterr().out
    assert [name for name in (*catalogue.DETECTORS, "robust", "minmax") if name not in shown] == []
    (told,) = [line for line in shown.splitlines() if "--score" in line]
    offered = {one for name in catalogue.DETECTORS for one in scores_of(name)} | {"projected"}
    assert [one for one in offered if not re.search(rf"\b{one}\b", told)] == []
    assert "?." not in shown
    assert "robust" in SCALINGS and "kdd99-paper" in presets.PRESETS


# --- fit, score, info -----------------------------------------------------------------------------


def test_score_keeps_the_columns_and_adds_two(folder, model, capfd):
    assert cli.run("score model new.csv -o scored.csv".split()) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("20 rows scored")
    before, after = pacsv.read_csv("new.csv"), pacsv.read_csv("scored.csv")
    assert after.column_names == [*before.column_names, "anomaly_score", "is_anomaly"]
    assert after.select(before.column_names).equals(before)
    assert np.argmax(after["anomaly_score"].to_numpy()) == 19
    assert after["is_anomaly"][19].as_py() is True


def test_scores_are_those_of_the_library(folder, model):
    assert cli.run("score model new.csv -o scored.parquet -q".split()) == 0
    fitted = alad.load(model)
    rows = pacsv.read_csv("new.csv")
    scored = parquet.read_table("scored.parquet")
    assert np.array_equal(scored["anomaly_score"].to_numpy(), fitted.anomaly_score(rows))
    flagged = scored["is_anomaly"].to_numpy(zero_copy_only=False)
    assert np.array_equal(flagged, fitted.predict(rows) == -1)


def test_score_from_and_to_standard_streams(folder, model):
    command = [sys.executable, "-m", "alad", "score", model, "-", "-q"]
    run = subprocess.run(command, input=Path("new.csv").read_bytes(), capture_output=True)
    assert (run.returncode, run.stderr) == (0, b"")
    lines = run.stdout.decode().splitlines()
    assert lines[0] == "id,a,b,kind,anomaly_score,is_anomaly"
    assert len(lines) == 21


def test_score_json_is_a_summary(folder, model, capfd):
    assert cli.run("score model new.csv -o scored.csv --json -q".split()) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["rows"] == 20 and 1 <= found["flagged"] < 10
    refused(capfd, "score model new.csv --json", "--json", "-o")


@pytest.fixture
def labelled(folder) -> pa.Table:
    """labelled.csv: new.csv with a column more at either end."""
    new = pacsv.read_csv("new.csv")
    wider = new.add_column(0, "when", pa.array([f"2020-01-{at:02d}" for at in range(1, 21)]))
    wider = wider.append_column("label", pa.array(["good"] * 19 + ["bad"]))
    write_table(wider, "labelled.csv")
    return wider


@pytest.mark.filterwarnings("default")
def test_score_carries_columns_through_that_were_not_there_at_fit(folder, model, labelled, capfd):
    assert cli.run("score model labelled.csv -o wide.csv".split()) == 0
    err = capfd.readouterr().err.splitlines()
    told = "alad: warning: columns that were not there at fit are left unused: 'when', 'label'"
    assert err[0] == told and err[1].startswith("20 rows scored") and len(err) == 2
    assert cli.run("score model new.csv -o narrow.csv -q".split()) == 0
    wide, narrow = (
        [line.split(",") for line in Path(f"{name}.csv").read_text().splitlines()]
        for name in ("wide", "narrow")
    )
    assert wide[0] == [*labelled.column_names, "anomaly_score", "is_anomaly"]
    assert [cells[1:-3] + cells[-2:] for cells in wide] == narrow  # to the letter
    assert [cells[-3] for cells in wide[1:]] == ["good"] * 19 + ["bad"]
    assert wide[1][0] == "2020-01-01"
    # a column that the model reads is not to be missed
    write_table(labelled.drop_columns(["kind"]), "less.csv")
    refused(capfd, "score model less.csv -o out.csv", "missing: 'kind'", "unknown: 'when', 'label'")
    assert not Path("out.csv").exists()


def test_score_drop_leaves_a_column_unread_and_says_nothing(folder, model, labelled, capfd):
    assert cli.run("score model labelled.csv -o out.csv --drop label,when".split()) == 0
    assert capfd.readouterr().err.startswith("20 rows scored")
    assert pacsv.read_csv("out.csv").column_names[-3:] == ["label", "anomaly_score", "is_anomaly"]
    refused(capfd, "score model new.csv -o out.csv --drop nope", "nope")


@pytest.mark.filterwarnings("default")
def test_explain_writes_columns_that_the_model_does_not_read(folder, model, labelled, capfd):
    assert cli.run("explain model labelled.csv -o why.csv --top 2".split()) == 0
    assert "left unused: 'when', 'label'" in capfd.readouterr().err
    why = pacsv.read_csv("why.csv")
    assert why.column_names[:5] == ["row", "when", "id", "label", "anomaly_score"]
    assert why["label"].to_pylist() == ["bad"] * 3 + ["good"] * 3
    assert [str(day) for day in why["when"].to_pylist()[:3]] == ["2020-01-20"] * 3
    write_table(labelled.rename_columns({"label": "value"}), "twins.csv")
    refused(capfd, "explain model twins.csv -o twice.csv", "'value'", "--drop")
    assert not Path("twice.csv").exists()


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=12))
@example("temp, C")
@example(' "b"')
def test_the_option_that_messages_name_leaves_out_that_column(name):
    command = shlex.split(drop_option(name))
    assert separated(command[1:]) == (name,) and len(command) == 2


def test_fit_drops_columns_given_together_or_apart(folder):
    assert cli.run("fit normal.csv -o one --detector knn --drop id,kind -q".split()) == 0
    assert cli.run("fit normal.csv -o two --detector knn --drop id --drop kind -q".split()) == 0
    new = pacsv.read_csv("new.csv")
    assert np.array_equal(alad.load("one").anomaly_score(new), alad.load("two").anomaly_score(new))


def test_fit_says_how_many_rows_were_learnt_and_how_many_held_out(folder, capfd):
    command = "fit normal.csv -o model --detector knn --drop id --calibration-fraction 0.25"
    assert cli.run(command.split()) == 0
    err = capfd.readouterr().err
    assert "60 rows learnt in " in err and "20 held out to calibrate" in err
    assert len(alad.load("model").calibrated()) == 20


def test_fit_says_how_many_rows_a_short_training_saw(folder, capfd):
    """Of 1,620,000 rows "learnt" 2,000 steps of 64 had seen 8 %."""
    words = "--drop id --max-steps 3 --batch-size 8 --patience 1 --validation-fraction 0"
    assert cli.run(f"fit normal.csv -o model --calibration-fraction 0 {words}".split()) == 0
    assert "3 batches of 8, at most 30 % of 80 rows, learnt in " in capfd.readouterr().err
    assert cli.run("fit normal.csv -o few --detector oc-svm --max-rows 30 --drop id".split()) == 0
    assert "30 of 80 rows, drawn at random, learnt in " in capfd.readouterr().err
    assert cli.run("info few".split()) == 0
    assert "30 of 80 rows, drawn at random" in capfd.readouterr().out
    assert cli.run("report few -o few.html".split()) == 0
    assert "30 of 80 rows, drawn at random" in Path("few.html").read_text()


def test_a_forest_says_how_many_rows_its_trees_saw(folder, capfd):
    words = "--detector isolation-forest --n-estimators 2 --max-samples 8 --drop id"
    assert cli.run(f"fit normal.csv -o forest --calibration-fraction 0 {words}".split()) == 0
    seen = int(re.match(r"(\d+) of 80 rows, drawn at random, learnt", capfd.readouterr().err)[1])
    assert 8 <= seen <= 16


def test_a_fit_shows_how_far_the_scores_for_its_threshold_are(folder, capfd, monkeypatch):
    monkeypatch.setattr("alad.detector.rows.SILENT_SECONDS", 0.0)
    monkeypatch.setattr("alad.progress.SECONDS_BETWEEN_LINES", 0.0)
    assert cli.run("fit normal.csv -o model --detector knn --drop id".split()) == 0
    assert "knn: threshold: 80 of 80" in capfd.readouterr().err
    assert cli.run("fit normal.csv -o model --detector knn --drop id --quiet".split()) == 0
    assert capfd.readouterr().err == ""


def test_explaining_shows_progress_where_it_takes_long(folder, capfd, monkeypatch):
    monkeypatch.setattr("alad.detector.explanation.SILENT_SECONDS", 0.0)
    monkeypatch.setattr("alad.progress.SECONDS_BETWEEN_LINES", 0.0)
    assert cli.run("fit normal.csv -o model --detector knn --drop id".split()) == 0
    assert cli.run("explain model new.csv -o why.csv".split()) == 0
    told = re.findall(r"explain: (\d+) of (\d+) .* left", capfd.readouterr().err)
    assert told and {total for _, total in told} == {str(8 * 20 * 4)} and told[-1][0] == told[-1][1]
    assert cli.run("explain model new.csv -o why.csv --quiet".split()) == 0
    assert "explain" not in capfd.readouterr().err


def test_fit_of_too_few_rows_to_calibrate_says_what_would_do(folder, capfd):
    assert cli.run("fit normal.csv -o model --detector knn --drop id".split()) == 0
    err = capfd.readouterr().err
    assert "80 rows learnt in " in err and "not calibrated, which takes 19 rows" in err
    share = re.search(r"--calibration-fraction (0\.\d+)", err)
    assert share is not None and "alad calibrate model" in err
    again = f"fit normal.csv -o again --detector knn --drop id {share[0]}"
    assert cli.run(again.split()) == 0
    assert "19 held out to calibrate" in capfd.readouterr().err


def test_who_wants_no_calibration_is_not_told_how(folder, capfd):
    command = "fit normal.csv -o model --detector knn --drop id --calibration-fraction 0"
    assert cli.run(command.split()) == 0
    assert "calibrat" not in capfd.readouterr().err


def test_an_option_that_a_detector_has_not_is_named_as_it_was_given(folder, capfd):
    fit = "fit normal.csv -o model --drop id --detector knn"
    refused(capfd, f"{fit} --epochs 3 --members 2", "knn has no --epochs and no --members")


def test_a_name_too_long_is_bad_input(folder, model, capfd):
    refused(capfd, f"info {'x' * 300}", "too long; choose another")
    refused(capfd, f"explain {'x' * 300} new.csv -o out.csv", "too long; choose another")
    assert cli.run(["info", "x" * 300]) == 2


def test_the_table_that_is_read_is_not_written_over(folder, model, capfd):
    before = Path("new.csv").read_bytes()
    refused(capfd, "score model new.csv -o ./new.csv", "is the table that is read; name another")
    refused(capfd, "explain model new.csv -o new.csv", "is the table that is read; name another")
    assert Path("new.csv").read_bytes() == before


def test_a_bad_rate_blames_the_option(folder, model, capfd):
    refused(capfd, "score model new.csv --fdr nan", "alad: --fdr is nan; give a number between")
    refused(capfd, "score model new.csv --false-alarm-rate 2", "alad: --false-alarm-rate is 2.0")


def test_a_score_that_is_none_blames_the_option(folder, capfd):
    fit = "fit normal.csv -o model --drop id"
    refused(capfd, f"{fit} --detector knn --score l1", "--score", "knn", "leave it out")
    refused(capfd, f"{fit} --detector vae --score l1", "--score is 'l1'", "probability, bound, l2")
    assert cli.run(f"{fit} --max-steps 1 -q".split()) == 0
    refused(capfd, "score model new.csv --score nope", "alad: --score is 'nope'", "whitened")
    assert cli.run("fit normal.csv -o other --detector knn --drop id -q".split()) == 0
    refused(capfd, "score other new.csv --score l1", "--score", "knn", "leave it out")


def test_fit_alad_with_its_options(folder, capfd):
    options = "--drop id --members 2 --max-steps 5 --score l1 --seed 3 --contamination 0.1"
    options += " --preset paper"
    assert cli.run(f"fit normal.csv -o model {options} --json".split()) == 0
    out, err = capfd.readouterr()
    facts = json.loads(out)
    assert (facts["detector"], facts["rows"], facts["columns"]) == ("alad", 80, 4)
    assert "72 rows learnt" in err and "8 watched by the stopping rule" in err
    assert "held out" not in err and "next: alad score model" in err
    loaded = alad.load("model")
    wanted = {"members": 2, "max_steps": 5, "score_function": "l1", "contamination": 0.1}
    assert {name: loaded.params[name] for name in wanted} == wanted
    assert (loaded.training_["seed"], loaded.members_, loaded.model_.own) == (3, (0, 1), "l1")
    assert not Path("model.checkpoint").exists()


def test_same_seed_same_model(folder):
    for name in ("one", "two"):
        assert cli.run(f"fit normal.csv -o {name} --max-steps 4 --drop id -q".split()) == 0
    new = pacsv.read_csv("new.csv")
    assert np.array_equal(alad.load("one").anomaly_score(new), alad.load("two").anomaly_score(new))


def test_another_score_of_the_same_model(folder, capfd):
    assert cli.run("fit normal.csv -o model --max-steps 4 --drop id -q".split()) == 0
    assert cli.run("score model new.csv --score l2 -o out.csv -q".split()) == 0
    scored = pacsv.read_csv("out.csv")
    assert scored.column_names[-1] == "anomaly_score"
    wanted = alad.load("model").score_as(pacsv.read_csv("new.csv"), "l2")
    np.testing.assert_allclose(scored["anomaly_score"].to_numpy(), wanted, rtol=1e-12)


def test_epochs_alone_mean_all_of_them(folder):
    command = "fit normal.csv -o model --epochs 2 --drop id -q --preset arrhythmia-paper"
    assert cli.run(command.split()) == 0
    fitted = alad.load("model")
    assert fitted.params["max_steps"] is None
    assert fitted.training_["steps"] == 2 * (80 // 32 + (80 % 32 > 0)) or (
        fitted.training_["steps"] == 2 * (80 // 32)
    )


def test_info(folder, model, capfd):
    assert cli.run(["info", model]) == 0
    shown = capfd.readouterr().out
    assert [word for word in ("knn", "dropped", "2 levels", "80") if word not in shown] == []
    assert "None" not in shown
    assert cli.run(["info", model, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["content"]["detector"] == "knn"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("cells", [["12 %", "7%"], ["1,200", "950"], ["$5", "$7.50"]])
def test_labels_that_look_like_numbers_are_a_warning(folder, capfd, cells):
    numbers = np.random.default_rng(0).normal(size=80)
    written = pa.array(np.resize(cells, 80))
    write_table(pa.table({"x": numbers, "share": written}), "written.csv")
    assert cli.run("fit written.csv -o m --detector knn -q".split()) == 0
    err = capfd.readouterr().err
    assert err.count("\n") == 1 and "column 'share' is read as categories" in err
    assert f"{cells[0]!r} (row 1)" in err and "12 or 1234.5" in err
    assert cli.run("score m written.csv -o out.csv -q".split()) == 0
    assert capfd.readouterr().err == ""
    assert cli.run("compare written.csv --detector knn --detector pca -q".split()) == 0
    assert capfd.readouterr().err.count("'share' is read as") == 1


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "cells",
    [
        ["12", "7"],
        ["12", "", "n/a"],
        ["A1", "B2"],
        ["1st", "2nd"],
        ["10-20", "20-30"],
        ["5 kg", "7 lb"],
        ["v1.2", "v1.3"],
        ["high", "12"],
        ["1,2", "3,4"],
        ["1.2.3", "1.2.4"],
    ],
)
def test_other_labels_and_numbers_are_none(folder, capfd, cells):
    table = pa.table({"x": np.arange(80.0) % 79, "kind": pa.array(np.resize(cells, 80))})
    write_table(table, "labels.csv")
    assert cli.run("fit labels.csv -o m --detector knn -q".split()) == 0
    assert capfd.readouterr().err == ""


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("fit nope.csv -o m", ("nope.csv", "no such file")),
        ("fit normal.csv", ("--output", "alad fit --help")),
        ("fit normal.csv -o m --detector dagmm9", ("dagmm9", "isolation-forest", "alice")),
        ("fit normal.csv -o m --detector knn --members 2", ("knn has no --members",)),
        ("fit normal.csv -o m --score best", ("best", "features", "logits")),
        ("fit normal.csv -o m --preset cifar", ("cifar", "kdd99-paper")),
        ("fit normal.csv -o m --scaling tanh", ("tanh", "robust", "minmax")),
        ("fit normal.csv -o m --drop label", ("label", "kind")),
        ("fit normal.csv -o m --contamination 2", ("contamination", "2")),
        ("fit normal.csv -o m --members 0", ("members", "0")),
        ("fit normal.csv -o m --device tpu", ("tpu", "cpu")),
        ("fit normal.csv -o m --seed x", ("--seed", "alad fit --help")),
        ("fit normal.csv -o .", ("exists", "another folder")),
        ("fit normal.csv -o normal.csv", ("normal.csv", "another folder")),
        ("fit normal.csv -o normal.csv/m", ("normal.csv",)),
        ("score m new.csv", ("m does not exist",)),
        ("score . new.csv", ("is not an alad folder",)),
        ("info nope", ("nope does not exist",)),
        ("bench imagenet", ("imagenet", "kdd99", "arrhythmia")),
        ("bench kdd99 --protocol dirty --show", ("dirty", "paper", "clean")),
        ("bench kdd99 --detector nope --show", ("nope", "knn")),
        ("bench kdd99 arrhythmia --runs 0 --show", ("runs is 0",)),
        ("demo -o normal.csv", ("normal.csv", "another folder")),
        ("fitt normal.csv", ("fitt", "Did you mean 'fit'")),
        ("fit normal.csv -o m --bogus 1", ("--bogus",)),
    ],
)
def test_bad_input_is_one_line_and_status_2(folder, capfd, command, words):
    before = sorted(folder.rglob("*"))
    refused(capfd, command, *words)
    assert sorted(folder.rglob("*")) == before


def test_a_link_in_a_circle_is_no_table(folder, model, capfd):
    (folder / "circle.csv").symlink_to("circle.csv")
    refused(capfd, f"score {model} circle.csv -o out.csv", "circle.csv", "no such file")


def test_bad_targets_are_refused_before_the_model_is_read(folder, capfd):
    for target, word in (
        ("out.xlsx", ".csv"),
        ("nowhere/out.csv", "nowhere"),
        (".", "known"),
        ("./", ".csv"),
    ):
        refused(capfd, f"score no-model new.csv -o {target}", word)


def test_altered_model_is_refused(folder, model, capfd):
    weights = next(Path(model).glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1])
    refused(capfd, "score model new.csv -o out.csv", "altered or truncated")
    assert not Path("out.csv").exists()


def test_infinite_loss_is_status_1(folder, capfd, monkeypatch):
    def diverge(self, X, fit):
        raise alad.TrainingError("the loss is no longer finite at step 7")

    monkeypatch.setattr(alad.KNN, "_learn", diverge)
    refused(capfd, "fit normal.csv -o m --detector knn", "no longer finite at step 7", status=1)
    assert not Path("m").exists()


def test_full_disk_and_lack_of_memory_are_status_1(folder, capfd, monkeypatch):
    for error, words in (
        (OSError(28, "No space left on device", "somewhere"), ("No space left", "somewhere")),
        (MemoryError(), ("memory",)),
    ):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(alad.KNN, "fit", fail)
        refused(capfd, "fit normal.csv -o m --detector knn", *words, status=1)


def test_reader_that_stops_reading_is_no_traceback(folder, model):
    many = pa.concat_tables([pacsv.read_csv("new.csv")] * 2000)
    write_table(many, "many.csv")
    command = f"{sys.executable} -m alad score model many.csv -q | head -n 1"
    run = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert run.stdout.startswith("id,a,b,kind,anomaly_score")
    assert "Traceback" not in run.stderr


# --- Ctrl-C ---------------------------------------------------------------------------------------


def test_ctrl_c_leaves_a_checkpoint_and_resume_ends_like_an_uninterrupted_run(
    folder, capfd, monkeypatch
):
    options = "--drop id --max-steps 60"
    assert cli.run(f"fit normal.csv -o whole {options} -q".split()) == 0
    halved = f"fit normal.csv -o halved {options}".split()
    assert interrupted(halved, monkeypatch, after=40) == 130
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == f"alad: stopped; to go on: alad {' '.join(halved)} --resume"
    assert not Path("halved").exists()
    assert cli.run([*halved, "--resume", "-q"]) == 0
    new = pacsv.read_csv("new.csv")
    ours, theirs = (alad.load(name).anomaly_score(new) for name in ("halved", "whole"))
    assert np.array_equal(ours, theirs)
    assert not Path("halved.checkpoint").exists()


def test_ctrl_c_before_any_checkpoint_says_that_nothing_was_written(folder, capfd, monkeypatch):
    def stop(self, X, fit):
        raise KeyboardInterrupt

    monkeypatch.setattr(alad.KNN, "_learn", stop)
    refused(capfd, "fit normal.csv -o m --detector knn", "nothing was written", status=130)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("score model new.csv -o out.csv", "stopped; nothing was written"),
        ("score model new.csv", "stopped; rows until then were written"),
        ("explain model new.csv -o out.csv", "stopped; start it again"),
        ("calibrate model new.csv", "stopped; start it again"),
    ],
)
def test_ctrl_c_is_a_line(folder, capfd, monkeypatch, command, words):
    assert cli.run("fit normal.csv -o model --detector knn --drop id -q".split()) == 0

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(alad.encoding.TableEncoder, "_read", stop)
    refused(capfd, command, words, status=130)
    assert not Path("out.csv").exists()


def test_ctrl_c_while_the_program_starts_is_a_line(capfd, monkeypatch):
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cli, "quicken", stop)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 130
    assert capfd.readouterr() == ("", "alad: stopped; start it again\n")
    monkeypatch.setattr(TyperGroup, "parse_args", stop)
    refused(capfd, "score model new.csv", "stopped; start it again", status=130)


def interrupted(arguments: list[str], monkeypatch, after: int) -> int:
    """Exit status of a command that gets Ctrl-C after so many training steps, or a few more."""
    advance = loop._advance

    def advance_and_stop(step, schedule, monitor, training, bar) -> None:
        before = training.steps_done
        advance(step, schedule, monitor, training, bar)
        if before < after <= training.steps_done:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_advance", advance_and_stop)
        patch.setattr(sys, "argv", ["alad", *arguments])
        return cli.run(arguments)


# --- bench ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["arrhythmia", "adbench", "cifar10", "paper", "paper --quick"])
def test_bench_show_without_results_says_so_and_writes_nothing(folder, capfd, name):
    before = set(Path().rglob("*"))
    refused(capfd, f"bench {name} --show", "measured", "results")
    refused(capfd, f"bench {name} --show --json", "measured")
    assert set(Path().rglob("*")) == before


def test_bench_show_keeps_to_the_rows_that_are_asked_for(folder, capfd):
    own = "--results " + str(Path(__file__).parents[2] / "results")
    assert cli.run(f"bench kdd99 --protocol clean --detector knn --show {own} --json".split()) == 0
    (row,) = json.loads(capfd.readouterr().out)
    assert (row["protocol"], row["detector"]) == ("clean", "knn")
    refused(
        capfd, f"bench cifar10-quick --detector anogan --show {own}", "nothing", "cifar10-quick"
    )


# --- compare --------------------------------------------------------------------------------------


def test_compare_with_labels_prints_tables_and_json(folder, capfd):
    rows = table(np.random.default_rng(0), 60, odd=True)
    labels = pa.array(["0"] * 55 + ["1"] * 5)
    write_table(rows.append_column("label", labels), "labelled.csv")
    command = "compare labelled.csv --label label --drop id --detector knn --detector oc-svm"
    assert cli.run(command.split()) == 0
    out, err = capfd.readouterr()
    assert [word for word in ("knn", "AUROC", "95 %", "Spearman") if word not in out] == []
    assert "knn: learning from 27 rows" in err
    assert cli.run([*command.split(), "--json", "-q"]) == 0
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert err == "" and found["anomalies"] == 5
    assert found["outcomes"][0]["auroc"].keys() == {"value", "low", "high"}


def test_detectors_are_listed_with_a_line_each(capfd):
    assert cli.run(["detectors"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(catalogue.DETECTORS)
    assert all(len(line.split()) > 2 and len(line) < 100 for line in lines)
    assert cli.run(["detectors", "--json"]) == 0
    assert [one["name"] for one in json.loads(capfd.readouterr().out)] == list(catalogue.DETECTORS)


def test_compare_without_labels_and_refusals(folder, capfd):
    assert cli.run("compare normal.csv --drop id --detector knn -q".split()) == 0
    assert "trained on all rows" in capfd.readouterr().out
    refused(capfd, "compare normal.csv --label nope --detector knn -q", "normal.csv", "nope")
    refused(capfd, "compare normal.csv --label id --detector knn -q", "--normal")
    refused(capfd, "compare nowhere.csv", "nowhere.csv")
    refused(capfd, "compare nowhere.csv --detector nope", "no detector 'nope'")
    refused(capfd, "compare normal.csv --seed 99999999999", "--seed")
    refused(capfd, "compare normal.csv --max-steps -1", "--max-steps")
    Path("one.csv").write_text("a,b\n1,2\n")
    refused(capfd, "compare one.csv", "one.csv", "1 row")


def test_the_paper_is_measured_as_a_whole(tmp_path):
    from typer.testing import CliRunner

    from alad.cli import app
    from alad.errors import InputError

    for more in (["--detector", "knn"], ["kdd99"]):
        found = CliRunner().invoke(app, ["bench", "paper", *more, "--results", str(tmp_path)])
        assert isinstance(found.exception, InputError) and "paper is a whole" in str(
            found.exception
        )
    assert list(tmp_path.iterdir()) == []
