"""Full disks, killed processes, neighbours: what a user of the command line meets of them."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

import alad
from alad import cli, locks, storage

PROGRAM = str(Path(sys.executable).with_name("alad"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = np.random.default_rng(0).normal(size=(200, 3))
    np.savetxt(tmp_path / "x.csv", rows, delimiter=",", header="a,b,c", comments="", fmt="%.4f")
    return tmp_path / "x.csv"


def full_below(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Let the disks of these folders be full."""
    put = storage.put

    def placed(path: Path, data: bytes) -> None:
        if any(folder in path.parents for folder in folders):
            raise OSError(errno.ENOSPC, "No space left on device")
        put(path, data)

    monkeypatch.setattr(storage, "put", placed)


FIT = {"alad": ["--max-steps", "30", "--check-every", "10"], "knn": ["--detector", "knn"]}


@pytest.mark.parametrize("name", FIT)
def test_a_full_disk_loses_no_training(name, table: Path, tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    model = tmp_path / "full" / "m"
    full_below(monkeypatch, tmp_path / "full")
    assert cli.run(["fit", str(table), "-o", str(model), "-q", *FIT[name]]) == 1
    (rescued,) = (tmp_path / "temporary").glob("alad-*/m")
    told = f"alad: {model}: No space left on device; the model was written to {rescued}: move it"
    assert capsys.readouterr().err.strip() == told
    assert alad.load(rescued).name == name
    assert not model.exists() and not model.parent.exists()


def test_full_disks_everywhere_are_told_and_leave_nothing(table, tmp_path, monkeypatch, capsys):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    full_below(monkeypatch, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert cli.run(["fit", str(table), "-o", str(tmp_path / "m"), "-q", *FIT["alad"]]) == 1
    told = capsys.readouterr().err.strip()
    assert told.startswith(f"alad: {tmp_path / 'm'}: No space left on device; make room there; ")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.filterwarnings("default:.*no new checkpoint")
def test_a_full_checkpoint_disk_is_no_fault_of_the_table(table, tmp_path, monkeypatch, capsys):
    checkpoint = tmp_path / "full" / "c"
    full_below(monkeypatch, checkpoint)
    words = ["--checkpoint", str(checkpoint), "--checkpoint-seconds", "0", *FIT["alad"]]
    assert cli.run(["fit", str(table), "-o", str(tmp_path / "m"), "-q", *words]) == 0
    assert capsys.readouterr().err.strip() == (
        f"alad: warning: {checkpoint}: No space left on device; no new checkpoint could be written"
    )
    assert alad.load(tmp_path / "m").training_["steps"] == 30
    assert not checkpoint.parent.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_full_standard_output_is_named(table: Path, tmp_path: Path):
    model = str(tmp_path / "m")
    assert cli.run(["fit", str(table), "-o", model, "-q", *FIT["knn"]]) == 0
    with open("/dev/full", "wb") as device:
        command = [PROGRAM, "score", model, str(table), "-q"]
        run = subprocess.run(command, stdout=device, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 1
    assert run.stderr == "alad: standard output: cannot be written: No space left on device\n"


@pytest.mark.parametrize("left", ["nothing", "unfinished", "arrays"])
def test_after_a_kill_the_same_command_fits(left: str, table: Path, tmp_path: Path):
    model = tmp_path / "m"
    model.mkdir()
    (tmp_path / "m.checkpoint").mkdir()
    if left != "nothing":
        name = ".writing-9-manifest.json" if left == "unfinished" else "arrays-12.safetensors"
        (model / name).write_text("{")
        (tmp_path / "m.checkpoint" / name).write_text("{")
    assert cli.run(["fit", str(table), "-o", str(model), "-q", *FIT["alad"], "--resume"]) == 0
    assert alad.load(model).name == "alad"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "x.csv"]
    assert len(list(model.iterdir())) == 2


@pytest.mark.skipif(locks.fcntl is None, reason="nothing is locked here")
def test_two_fits_into_one_folder(table: Path, tmp_path: Path):
    """The second is refused while the first trains, by the name of the folder; both may save."""
    model = str(tmp_path / "m")
    command = [PROGRAM, "fit", str(table), "-o", model, "-q", "--max-steps", "100000"]
    command += ["--patience", "100000", "--validation-fraction", "0"]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            if Path(f"{model}.checkpoint").exists():
                break
            time.sleep(0.1)
        second = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        assert second.returncode == 2
        assert second.stderr.startswith(f"alad: {model}.checkpoint: another process writes a check")
        first.send_signal(signal.SIGTERM)
        assert "to go on: alad fit" in first.communicate(timeout=60)[1]
    finally:
        first.kill()
    assert first.returncode == 130
    knn = [PROGRAM, "fit", str(table), "-o", model, "-q", *FIT["knn"]]
    together = [subprocess.Popen(knn, stderr=subprocess.PIPE) for _ in range(3)]
    assert [(one.communicate()[1], one.returncode) for one in together] == [(b"", 0)] * 3
    assert alad.load(model).name == "knn" and len(os.listdir(model)) == 2


@pytest.mark.skipif(locks.fcntl is None, reason="nothing is locked here")
def test_what_a_killed_score_left_is_removed_by_the_next(table: Path, tmp_path: Path):
    model, scored = str(tmp_path / "m"), tmp_path / "[s]core.csv"
    assert cli.run(["fit", str(table), "-o", model, "-q", *FIT["knn"]]) == 0
    dead, alive, other = (
        tmp_path / name
        for name in (f".{scored.name}.9.part", f".{scored.name}.8.part", ".s.9.part")
    )
    dead.touch()
    other.touch()
    with locks.created(alive):
        assert cli.run(["score", model, str(table), "-o", str(scored), "-q"]) == 0
    parts = sorted(path.name for path in tmp_path.glob(".*"))
    assert parts == sorted([alive.name, other.name]) and scored.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
@pytest.mark.parametrize("name", ["scored.csv", "scored.csv.gz", "scored.jsonl.gz"])
def test_a_full_disk_is_told_by_the_name_of_the_output(name, table, tmp_path, capsys):
    model, scored = str(tmp_path / "m"), tmp_path / name
    assert cli.run(["fit", str(table), "-o", model, "-q", *FIT["knn"]]) == 0
    scored.symlink_to("/dev/full")
    assert cli.run(["score", model, str(table), "-o", str(scored), "-q"]) == 1
    told = f"alad: {scored}: cannot be written: No space left on device\n"
    assert capsys.readouterr().err == told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_graph_that_finds_no_room_leaves_no_certificate(table, tmp_path, capsys):
    """Nor does it replace the certificate of an earlier graph."""
    model, graph = str(tmp_path / "m"), tmp_path / "full.onnx"
    assert cli.run(["fit", str(table), "-o", model, "-q", *FIT["knn"]]) == 0
    graph.symlink_to("/dev/full")
    before = sorted(tmp_path.iterdir())
    assert cli.run(["export", model, "-o", str(graph), "-q"]) == 1
    assert capsys.readouterr().err.startswith(f"alad: {graph}: cannot be written: No space left")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("words", [["info", "{}"], ["info", "{}", "--json"], ["detectors"]])
def test_what_is_only_shown_needs_a_standard_output(words, table, tmp_path, capsys, monkeypatch):
    model = str(tmp_path / "m")
    assert cli.run(["fit", str(table), "-o", model, "-q", *FIT["knn"]]) == 0
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.run([word.format(model) for word in words]) == 2
    assert capsys.readouterr().err == (
        "alad: standard output is closed; open it, or send it to a file\n"
    )


def test_the_home_folder_is_found_where_a_shell_leaves_its_sign(table, tmp_path, monkeypatch):
    """Quoted, or behind an option's =."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert cli.run(["fit", "~/x.csv", "--output=~/models/m", "-q", *FIT["knn"]]) == 0
    assert cli.run(["score", "~/models/m", "x.csv", "-o", "~/s.csv", "-q"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "s.csv", "x.csv"]
