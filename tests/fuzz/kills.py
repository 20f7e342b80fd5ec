"""Kill the program at random moments; the same command again ends as if nothing had happened.

python -m tests.fuzz.kills --kills 50 --seed 0     # prints counts by verb, and every fault
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from alad import catalogue
from alad.data.writing import write_table
from alad.errors import InputError

from .invariants import FRAGMENTS
from .program import snapshot

FIT = "fit normal.csv -o model --max-steps 1200 --patience 99 --checkpoint-seconds 0.05 -q"
COMMANDS = {
    "fit": FIT,
    "fit --resume": f"{FIT} --resume",
    "score": "score model new.csv -o scored.csv -q",
    "calibrate": "calibrate model more.csv -q",
    "report": "report model more.csv -o page.html -q",
}
RESULTS = {"score": "scored.csv", "report": "page.html"}  # of the others, the model
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
TIMES = {"created", "made", "seconds", "sha256", "seconds_to_fit"}  # differ from run to run
SECONDS = 300  # that a run may take


class Kill(NamedTuple):
    """What a kill met: the signal, was the run still going, and the faults."""

    signal: str
    met: bool
    faults: list[str]


class Kills:
    """Folders to begin from, results of runs that nobody disturbed, and how long these took."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.start = home / "start"
        self.start.mkdir(parents=True)
        for seed, (name, rows) in enumerate({"normal": 1500, "new": 8000, "more": 800}.items()):
            write_table(_table(rows, seed), self.start / f"{name}.csv")
        self._due: dict[str, tuple[Any, float]] = {}
        self._of_model = home / "of_model"  # as start, and a model in it
        shutil.copytree(self.start, self._of_model)
        assert _run(self._of_model, COMMANDS["fit"]).returncode == 0

    def due(self, verb: str) -> tuple[Any, float]:
        """Return the result of an undisturbed run, and its seconds."""
        if verb not in self._due:
            place = self._fresh(verb)
            began = time.monotonic()
            run = _run(place, COMMANDS[verb])
            assert run.returncode == 0, run.stderr
            self._due[verb] = _result(place, verb), time.monotonic() - began
        return self._due[verb]

    def kill(self, verb: str, random: Random) -> Kill:
        """Begin a run, kill it, look at what lies there, run it again, and compare."""
        due, seconds = self.due(verb)
        place = self._fresh(verb)
        before = _result(place, verb)
        how = random.choice(SIGNALS)
        # half of the moments are late, when results are written
        share = random.uniform(0.7, 1) if random.random() < 0.5 else random.random()
        process = subprocess.Popen(
            _words(COMMANDS[verb]), cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        time.sleep(share * seconds)
        met = process.poll() is None
        process.send_signal(how)
        _, err = process.communicate(timeout=SECONDS)
        where = f"{verb}, {how.name} at {share:.0%}"
        faults = [f"{where}: traceback: {err[-300:]!r}"] if b"Traceback" in err else []
        left = _result(place, verb)
        if left not in (before, due):
            faults.append(f"{where}: something half-written lies there")
        began = time.monotonic()
        again = _run(place, COMMANDS[verb])
        self._due[verb] = due, time.monotonic() - began  # how busy the machine is changes
        if again.returncode:
            faults.append(f"{where}: again: {again.returncode}, {again.stderr[-300:]!r}")
        elif _result(place, verb) != due:
            faults.append(f"{where}: again: another result")
        if fragments := [name for name in snapshot(place) if FRAGMENTS.search(name)]:
            faults.append(f"{where}: again: left {fragments}")
        if (place / "model.checkpoint").exists():
            faults.append(f"{where}: again: left the checkpoint")
        return Kill(how.name, met, faults)

    def _fresh(self, verb: str) -> Path:
        place = self.home / "place"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.start if verb.startswith("fit") else self._of_model, place)
        return place


def _table(rows: int, seed: int) -> pa.Table:
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, 5)).round(5)
    kinds = generator.choice(["a", "b", "c"], rows)
    return pa.table({**{f"c{i}": numbers[:, i] for i in range(5)}, "kind": kinds})


def _words(command: str) -> list[str]:
    return [sys.executable, "-m", "alad", *command.split()]


def _run(place: Path, command: str) -> subprocess.CompletedProcess:
    return subprocess.run(_words(command), cwd=place, capture_output=True, timeout=SECONDS)


def _result(place: Path, verb: str) -> Any:
    """Read what a verb writes, without the times in it; None = nothing is there."""
    path = place / RESULTS.get(verb, "model")
    if path.name in RESULTS.values():
        return path.read_bytes() if path.exists() else None
    if not (path / "manifest.json").exists():  # written last; without it there is no model
        return None
    try:
        catalogue.load(path)
    except InputError as error:
        return str(error)
    stored = json.loads((path / "manifest.json").read_text())
    arrays = path / stored["arrays"]["file"]
    return _timeless(stored), arrays.read_bytes()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in TIMES}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def main() -> int:
    """Kill runs of all verbs by turns, and print the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbs", default=",".join(COMMANDS), help="with commas between")
    given = parser.parse_args()
    verbs = given.verbs.split(",")
    counts: Counter[tuple[str, str, bool]] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory(prefix="kills-") as home:
        kills = Kills(Path(home) / "kills")
        for number in range(given.kills):
            verb = verbs[number % len(verbs)]
            kill = kills.kill(verb, Random(f"{given.seed} {number}"))
            counts[verb, kill.signal, kill.met] += 1
            faults += len(kill.faults)
            print(*kill.faults, sep="\n", end="\n" if kill.faults else "", flush=True)
    for (verb, name, met), count in sorted(counts.items()):
        print(f"{verb:<14}{name}, {'in the run' if met else 'after its end'}: {count}")
    print(f"{sum(counts.values())} kills, {faults} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
