"""Scores and cells by a real Ray of two workers on this machine."""

import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

import alad
import alad.ray
from alad import benchmark, cli
from alad.benchmark import ResultsFile
from alad.data import source
from alad.data.writing import write_table
from alad.errors import InputError
from alad.ray import started

ROWS, BATCH = 1_000, 100
UNUSED = "alad: warning: columns that were not there at fit are left unused: 'kind'"
# what Ray says of its own options
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def two_workers() -> Iterator[None]:
    pytest.importorskip("ray", reason="Ray is not installed")
    import ray.data

    handler = signal.getsignal(signal.SIGTERM)  # Ray sets its own, and leaves it
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
    yield
    ray.shutdown()
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    generator = np.random.default_rng(0)
    columns = {name: generator.normal(size=ROWS) for name in "abc"}
    return pa.table({"row": np.arange(ROWS)} | columns)


@pytest.fixture(scope="module")
def model(table: pa.Table, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ray") / "model"
    alad.ALAD(drop="row", max_steps=20, random_state=0).fit(table).save(folder)
    return folder


def test_two_workers_score_to_the_last_bit_though_one_is_killed(
    two_workers, table: pa.Table, model: Path, tmp_path: Path, monkeypatch
):
    import ray

    mark = tmp_path / "calls"
    mark.write_text("")

    class Dying(alad.ray.Scorer):
        """Kills its own process at the third batch of all."""

        def __call__(self, batch: pa.Table) -> pa.Table:
            with mark.open("a") as calls:
                calls.write(".")
            if mark.stat().st_size == 3:
                os._exit(1)
            return super().__call__(batch)

    monkeypatch.setattr(alad.ray.scoring, "Scorer", Dying)
    blocks = [table.slice(at, BATCH) for at in range(0, ROWS, BATCH)]
    rows = ray.data.from_arrow(blocks)
    scored = alad.ray.score(rows, model, false_alarm_rate=0.05, workers=2, batch_rows=BATCH)
    blocks: list[Any] = ray.get(list(scored.to_arrow_refs()))  # pyright: ignore
    got = pa.concat_tables(blocks)
    fitted = alad.load(model)
    np.testing.assert_array_equal(got["row"].to_numpy(), np.arange(ROWS))  # none lost, none twice
    np.testing.assert_array_equal(got["anomaly_score"].to_numpy(), fitted.anomaly_score(table))
    np.testing.assert_array_equal(got["p_value"].to_numpy(), fitted.p_value(table))
    flagged = fitted.predict(table, false_alarm_rate=0.05) == -1
    np.testing.assert_array_equal(got["is_anomaly"].to_numpy(), flagged)
    assert mark.stat().st_size > ROWS / BATCH  # a batch was scored again


@pytest.mark.filterwarnings("always:columns that were not there at fit")
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_the_command_line_scores_by_workers_though_one_is_killed(
    two_workers, table: pa.Table, model: Path, tmp_path: Path, monkeypatch, capfd, suffix: str
):
    mark = tmp_path / "calls"
    mark.write_text("")

    class Dying(alad.ray.BatchScorer):
        """Kills its own process at the third batch of all."""

        def scores(self, batch: Any, score: str | None) -> Any:
            with mark.open("a") as calls:
                calls.write(".")
            if mark.stat().st_size == 3:
                os._exit(1)
            return super().scores(batch, score)

    monkeypatch.setattr(alad.ray.scoring, "BatchScorer", Dying)
    monkeypatch.setattr(source, "batch_rows", lambda columns: BATCH)
    given = tmp_path / f"given.{suffix}"
    write_table(table.append_column("kind", pa.array(["x"] * ROWS)), str(given))
    here, there = tmp_path / f"here.{suffix}", tmp_path / f"there.{suffix}"
    command = ["score", str(model), str(given), "--false-alarm-rate", "0.05", "-o"]
    told = []
    for argv in ([*command, str(there), "--on", "ray"], [*command, str(here)]):
        assert cli.run(argv) == 0
        told.append([line for line in capfd.readouterr().err.splitlines() if "alad:" in line])
    assert told[0] == told[1] == [UNUSED]
    assert there.read_bytes() == here.read_bytes()
    assert mark.stat().st_size > ROWS / BATCH  # a batch was scored again


def test_what_a_worker_refuses_is_one_line_here(two_workers, table, model, tmp_path, capfd):
    bad = tmp_path / "bad.csv"
    write_table(table.slice(0, 20), str(bad))
    lines = bad.read_text().splitlines()
    lines[5] = "4,12 %,1,1"
    bad.write_text("\n".join(lines) + "\n")
    told = []
    for where in ([], ["--on", "ray"]):
        out = tmp_path / "out.csv"
        assert cli.run(["score", str(model), str(bad), "-o", str(out), *where]) == 2
        told.append(capfd.readouterr().err.splitlines()[-1])
        assert not out.exists()
    assert "column 'a' holds '12 %' (row 5)" in told[0] and told[1] == told[0]


def test_ctrl_c_is_one_line_and_ends_the_workers(
    two_workers, table, model, tmp_path, monkeypatch, capfd
):
    from ray.exceptions import RayActorError

    monkeypatch.setattr(source, "batch_rows", lambda columns: BATCH)
    pools, begun, get = [], alad.ray.scoring.Pool.__init__, alad.ray.scoring._got

    def noted(pool: Any, *given: Any) -> None:
        pools.append(pool)
        begun(pool, *given)

    def stopped(*given: Any) -> Any:
        monkeypatch.setattr(alad.ray.scoring, "_got", interrupt)
        return get(*given)

    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(alad.ray.scoring.Pool, "__init__", noted)
    monkeypatch.setattr(alad.ray.scoring, "_got", stopped)
    given, out = tmp_path / "given.parquet", tmp_path / "out.parquet"
    write_table(table, given)
    heard = signal.getsignal(signal.SIGINT)
    assert cli.run(["score", str(model), str(given), "-o", str(out), "--on", "ray"]) == 130
    assert capfd.readouterr().err.splitlines() == ["alad: stopped; nothing was written"]
    assert [path.name for path in tmp_path.iterdir()] == ["given.parquet"]
    assert signal.getsignal(signal.SIGINT) is heard
    with pytest.raises(RayActorError):  # which is there still, as it was before
        pools[0]._ray.get(pools[0]._workers[0].scores.remote(None, None), timeout=60)


@pytest.mark.slow
def test_ctrl_c_ends_a_ray_of_its_own(model, table, tmp_path):
    """The program is stopped once its first rows are there; its input goes on until then."""
    pytest.importorskip("ray", reason="Ray is not installed")
    rows = io.BytesIO()
    pacsv.write_csv(table, rows, pacsv.WriteOptions(include_header=False))
    program = subprocess.Popen(
        [sys.executable, "-m", "alad", "score", str(model), "-", "-q", "--on", "ray"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    stdin, stdout, stderr = program.stdin, program.stdout, program.stderr
    assert stdin and stdout and stderr

    def feed() -> None:
        with suppress(OSError, ValueError):
            stdin.write(b"row,a,b,c\n")
            while True:
                stdin.write(rows.getvalue() * 20)

    def first_row() -> None:
        stdout.readline()
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does
        stdout.read()

    threads = [threading.Thread(target=work, daemon=True) for work in (feed, first_row)]
    try:
        for thread in threads:
            thread.start()
        told = stderr.read().decode()
        assert program.wait(timeout=60) == 130, told
    finally:
        program.kill()
        for thread in threads:
            thread.join(timeout=60)
        for file in (stdin, stdout, stderr):
            with suppress(OSError):  # nobody reads what was fed last
                file.close()
    assert [line for line in told.splitlines() if line.startswith("alad:")] == [
        "alad: stopped; rows until then were written"
    ]
    assert "Traceback" not in told and "Failed to push" not in told
    assert "authentication is enabled" not in told


@pytest.mark.filterwarnings("ignore:of 226 rows some hold what no learnt one did")
def test_cells_are_measured_by_workers_and_resumed(two_workers, data_dir: Path, tmp_path: Path):
    chosen = {"protocols": ["clean"], "detectors": ["knn", "pca"], "runs": 2, "data_dir": data_dir}
    said: list[str] = []
    how = {"results": tmp_path / "there", "work": alad.ray.work, "say": said.append}
    there = benchmark.run("arrhythmia", **chosen, **how)
    here = benchmark.run("arrhythmia", **chosen, results=tmp_path / "here")
    assert scores_in(there) == scores_in(here) and len(scores_in(here)) == 4
    benchmark.run("arrhythmia", **chosen, **how)
    assert said[-1] == "arrhythmia: 4 of 4 cells are there already"


def scores_in(file: ResultsFile) -> dict[tuple[str, int], float]:
    return {(line["detector"], line["split"]): line["auroc"] for line in file.lines()}


# --- members of a training ------------------------------------------------------------------------

SETTINGS: dict[str, Any] = {"drop": "row", "max_steps": 40, "check_every": 10, "random_state": 3}


class Watched(alad.ALAD):
    """Notes after every check how many steps member 1 has made."""

    notes: ClassVar[Path]

    def _step(self, *given: Any) -> Any:
        step, notes = super()._step(*given), self.notes

        def watch(steps: int) -> None:
            if step.members == [1]:
                with notes.open("a") as file:
                    file.write(f"{steps} ")
            self.checked_at(step.members, steps)

        step.watch = watch
        return step

    def checked_at(self, members: list[int], steps: int) -> None:
        """Do something after a check."""


def assert_same_model(there: Any, here: Any) -> None:
    assert there.model_.members == here.model_.members
    for part in ("weights", "buffers", "learnt", "scales"):
        ours, theirs = getattr(there.model_, part), getattr(here.model_, part)
        assert ours.keys() == theirs.keys()
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name], err_msg=name)
    assert there.offset_ == here.offset_
    np.testing.assert_array_equal(there.calibration_.scores, here.calibration_.scores)
    assert facts_of(there) == facts_of(here)


def facts_of(detector: Any) -> dict[str, Any]:
    return {name: fact for name, fact in detector.training_.items() if name != "seconds"}


def test_members_are_those_of_one_machine_though_a_worker_is_killed(
    two_workers, table: pa.Table, tmp_path: Path
):
    class Dying(Watched):
        notes = tmp_path / "notes"

        def checked_at(self, members: list[int], steps: int) -> None:
            if members == [1] and self.notes.read_text() == "0 10 20 ":
                os._exit(1)

    how = {"checkpoint": tmp_path / "checkpoint", "checkpoint_seconds": 0.0}
    there = alad.ray.fit(Dying(members=3, **SETTINGS, **how), table)
    assert_same_model(there, alad.ALAD(members=3, **SETTINGS).fit(table))
    # a checkpoint after every step: all that was lost is the step at which it died
    assert Dying.notes.read_text() == "0 10 20 20 30 40 "
    folders = sorted(path.name for path in (tmp_path / "checkpoint").iterdir())
    assert folders == ["member-0", "member-1", "member-2"]


def test_members_go_on_after_an_interruption(two_workers, table, tmp_path, monkeypatch):
    class Slow(Watched):
        notes = tmp_path / "notes"

        def checked_at(self, members: list[int], steps: int) -> None:
            time.sleep(0.0 if members == [0] else 0.2)

    def interrupted(*given: Any) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if slow.notes.exists() and len(slow.notes.read_text().split()) > 2:
                break
            time.sleep(0.1)
        raise KeyboardInterrupt

    longer = SETTINGS | {"max_steps": 400, "members": 3}
    slow = Slow(**longer, checkpoint=tmp_path / "checkpoint")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(alad.ray.members, "_result", interrupted)
        alad.ray.fit(slow, table)
    assert not hasattr(slow, "fitted_")
    until = [int(steps) for steps in slow.notes.read_text().split()]
    there = alad.ray.fit(slow.set_params(resume=True), table)
    then = [int(steps) for steps in slow.notes.read_text().split()][len(until) :]
    assert 10 <= until[-1] < 400 and then[0] == until[-1] + 10
    assert_same_model(there, alad.ALAD(**longer).fit(table))


def test_fit_on_a_cluster_writes_the_model_of_one_machine(
    two_workers, table: pa.Table, tmp_path: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_table(table, "rows.csv")
    command = "fit rows.csv --drop row --members 2 --max-steps 20 -q -o".split()
    assert cli.run([*command, "there", "--on", "ray"]) == 0
    assert cli.run([*command, "here"]) == 0
    arrays = [[path.name for path in Path(at).glob("arrays-*")] for at in ("there", "here")]
    assert arrays[0] == arrays[1] != []  # the names hold their digests
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "rows.csv", "there"]


def test_what_cannot_be_trained_apart_is_one_line(two_workers, table, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    write_table(table, "rows.csv")
    for words, message in (
        ("--detector knn", "knn has no members to train on a cluster; fit it here"),
        ("--trim 0.5 --max-steps 5", "trim=0.5 sets no row aside"),
    ):
        command = "fit rows.csv --drop row -o model --on ray".split()
        assert cli.run([*command, *words.split()]) == 2
        assert message in capfd.readouterr().err.splitlines()[-1]
        assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
    with pytest.raises(InputError, match="leave samples out"):
        alad.ray.fit(alad.ALAD(samples=tmp_path / "samples"), table)
    monkeypatch.setattr(alad.ray.members, "MOST_VALUES", 1_000)
    with pytest.raises(InputError, match="900 encoded rows of 3 numbers, more than are sent"):
        alad.ray.fit(alad.ALAD(**SETTINGS), table)


def test_of_the_token_of_a_cluster_only_what_a_user_ought_to_know_is_told(monkeypatch, request):
    told: list[str] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: told.append(record.getMessage()))
    teller = logging.getLogger(started.AUTHENTICATION)
    monkeypatch.setattr(teller, "handlers", [handler])  # whatever Ray has made of its loggers
    request.addfinalizer(partial(teller.setLevel, teller.level))
    teller.setLevel(logging.WARNING)
    messages = ["Token authentication is enabled for it.", "Token authentication is disabled."]

    class Started:
        def is_initialized(self) -> bool:
            return False

        def init(self) -> None:
            for message in messages:
                teller.warning(message)

    monkeypatch.setattr(started, "required", Started)
    started.started()
    assert told == messages[1:]
    Started().init()  # what others start is told of as ever
    assert told == messages[1:] + messages


def test_without_ray_a_line_says_what_to_install(table, model, monkeypatch):
    monkeypatch.setattr(alad.ray.started, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"Ray is not installed; pip install 'alad\[ray\]'"):
        alad.ray.score(table, model)  # pyright: ignore[reportArgumentType]


def test_the_paper_is_timed_here(capfd):
    assert cli.run("bench paper --on ray".split()) == 2
    assert "--on ray is for cells" in capfd.readouterr().err
