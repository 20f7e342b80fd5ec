"""The training loop, with a step of its own: checks, patience, interruption, resumption."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from alad import locks, storage
from alad.errors import InputError, StorageError, TrainingError
from alad.training.loop import Checkpoint, Schedule, Training, train


class Walk:
    """Member k walks k + 1 to the right at every step; its loss is its place."""

    at_once = 1

    def __init__(self, members: int = 2, broken_at: int | None = None):
        self.place = torch.zeros(members, 1)
        self.broken_at = broken_at

    def run(self, first: int, count: int) -> Tensor:
        return torch.stack([self(number) for number in range(first, first + count)])

    def __call__(self, number: int) -> Tensor:
        self.place += torch.arange(1.0, len(self.place) + 1)[:, None]
        return self.place * (float("nan") if number == self.broken_at else 1.0)

    def arrays(self) -> dict[str, Tensor]:
        return {"place": self.place}

    scoring_arrays = arrays


def test_without_a_monitor_it_trains_to_the_end_and_keeps_the_last_weights():
    training = train(Walk(), Schedule(steps=7, check_every=3))
    assert training.best["place"].flatten().tolist() == [7.0, 14.0]
    assert [entry["step"] for entry in training.history] == [3, 6, 7]
    # mean of the places over the steps since the last check
    assert training.history[0]["loss"] == [[2.0], [4.0]]
    assert training.history[2]["loss"] == [[7.0], [14.0]]


class Run(Walk):
    """Several steps at a time, as many as are asked for."""

    at_once = 10

    def __init__(self):
        super().__init__()
        self.asked: list[int] = []

    def run(self, first: int, count: int) -> Tensor:
        self.asked.append(count)
        return super().run(first, count)


def test_runs_of_steps_end_at_every_look_and_change_nothing():
    schedule, step = Schedule(steps=43, check_every=17), Run()
    one, several = train(Walk(), schedule), train(step, schedule)
    # looks at steps 17, 20, 34, 40, 43
    assert step.asked == [10, 7, 3, 10, 4, 6, 3]
    assert several.history == one.history and [e["step"] for e in one.history] == [17, 34, 43]
    assert torch.equal(several.best["place"], one.best["place"])


def test_no_steps_leave_the_initial_weights():
    training = train(Walk(), Schedule(steps=0, check_every=3))
    assert training.best["place"].flatten().tolist() == [0.0, 0.0] and training.history == []


def test_who_watches_is_called_before_the_first_step_and_after_every_check(tmp_path: Path):
    step, seen = Walk(), []
    train(step, Schedule(7, 3), watch=lambda steps: seen.append((steps, step.place[0].item())))
    assert seen == [(0, 0.0), (3, 3.0), (6, 6.0), (7, 7.0)]
    seen, checkpoint = [], Checkpoint(tmp_path / "c", "same", 1e9, resume=True)
    with pytest.raises(KeyboardInterrupt):
        train(Interrupted(4), Schedule(7, 3), checkpoint=checkpoint, watch=seen.append)
    train(Walk(), Schedule(7, 3), checkpoint=checkpoint, watch=seen.append)
    assert seen == [0, 3, 6, 7]


def test_every_member_keeps_its_own_best_and_stops_by_its_own_patience():
    step = Walk()
    targets = np.array([2.0, 12.0])

    def monitor() -> np.ndarray:
        return np.abs(step.place[:, 0].numpy() - targets)

    training = train(step, Schedule(steps=100, check_every=1, patience=3), monitor)
    assert training.best["place"].flatten().tolist() == [2.0, 12.0]
    assert training.best_step.tolist() == [2, 6]
    assert training.steps_done == 9  # the last best is at 6, then three checks in vain


def test_a_member_out_of_patience_learns_from_no_later_check():
    """As it would alone: what comes after the stop cannot improve it."""
    step, values = Walk(), iter([[1.0, 9.0], [2.0, 8.0], [2.0, 7.0], [0.0, 6.0], [0.0, 5.0]])
    training = train(step, Schedule(5, 1, patience=2), lambda: np.array(next(values)))
    assert training.best_value.tolist() == [1.0, 5.0] and training.best_step.tolist() == [1, 5]


def test_a_loss_that_is_not_finite_stops_with_the_step_and_a_remedy():
    with pytest.raises(TrainingError, match=r"no longer finite at step 20 .*learning_rate"):
        train(Walk(broken_at=4), Schedule(steps=100, check_every=50))


class Interrupted(Walk):
    """Ctrl-C, or another signal, comes in the middle of one step."""

    def __init__(self, at: int, number: int = signal.SIGINT):
        super().__init__()
        self.at, self.number = at, number

    def __call__(self, number: int) -> Tensor:
        if number == self.at:
            os.kill(os.getpid(), self.number)
        return super().__call__(number)


def resumable(step: Walk, folder: Path) -> Training:
    return train(step, Schedule(50, 7), checkpoint=Checkpoint(folder, "same", 1e9, resume=True))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_leaves_a_checkpoint_and_the_same_call_goes_on_to_the_same_end(
    name: str, tmp_path: Path
):
    number = getattr(signal, name)
    # as in a fresh process: another test's library (Ray) or the shell (nohup) may have set its own
    handler = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
    earlier = signal.signal(number, handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            resumable(Interrupted(23, number), tmp_path / "c")
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, earlier)
    resumed, whole = resumable(Walk(), tmp_path / "c"), train(Walk(), Schedule(50, 7))
    assert torch.equal(resumed.best["place"], whole.best["place"])
    assert resumed.history == whole.history


def test_another_fingerprint_is_refused(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        resumable(Interrupted(3), tmp_path / "c")
    with pytest.raises(InputError, match="other data or settings"):
        train(Walk(), Schedule(9, 1), checkpoint=Checkpoint(tmp_path / "c", "other", resume=True))


def test_without_resume_an_old_checkpoint_does_not_count(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        resumable(Interrupted(3), tmp_path / "c")
    training = train(Walk(), Schedule(5, 1), checkpoint=Checkpoint(tmp_path / "c", "same"))
    assert training.best["place"][0].item() == 5.0


def test_a_full_checkpoint_disk_is_told_once_and_training_goes_on(tmp_path: Path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise StorageError("full") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage, "write", full)
    folder = tmp_path / "c"
    with pytest.warns(UserWarning, match=f"{folder}: No space left on device; no new") as told:
        training = train(Walk(), Schedule(50, 7), checkpoint=Checkpoint(folder, "same", 0.0))
    assert training.best["place"][0].item() == 50.0
    assert len({str(one.message) for one in told}) == 1
    assert not folder.exists()


@pytest.mark.skipif(locks.fcntl is None, reason="nothing is locked here")
def test_two_trainings_share_no_checkpoint(tmp_path: Path):
    checkpoint = Checkpoint(tmp_path / "c", "same")

    class Another(Walk):
        def __call__(self, number: int) -> Tensor:
            with pytest.raises(StorageError, match="another process writes a checkpoint there"):
                train(Walk(), Schedule(5, 1), checkpoint=checkpoint)
            return super().__call__(number)

    assert train(Another(), Schedule(2, 1), checkpoint=checkpoint).steps_done == 2
    assert train(Walk(), Schedule(5, 1), checkpoint=checkpoint).steps_done == 5


SCRIPT = """
import sys
import numpy as np
import alad
X = np.random.default_rng(0).normal(size=(300, 6))
model = alad.ALAD(random_state=5, members=2, max_steps=int(sys.argv[2]), check_every=20,
                  engine="torch", checkpoint=sys.argv[1], checkpoint_seconds=0.05, resume=True)
model.fit(X)
np.save(sys.argv[3], model.member_scores(X))
"""


def test_a_killed_training_goes_on_to_the_very_weights_of_an_undisturbed_one(tmp_path: Path):
    script = tmp_path / "fit.py"
    script.write_text(SCRIPT)

    def command(checkpoint: str, out: str) -> list[str]:
        return [sys.executable, str(script), str(tmp_path / checkpoint), "150", str(tmp_path / out)]

    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command("whole", "whole.npy"), check=True, env=environment)
    process = subprocess.Popen(command("killed", "killed.npy"), env=environment)
    deadline = time.monotonic() + 60
    while not (tmp_path / "killed" / "manifest.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    subprocess.run(command("killed", "killed.npy"), check=True, env=environment)
    np.testing.assert_array_equal(np.load(tmp_path / "whole.npy"), np.load(tmp_path / "killed.npy"))
