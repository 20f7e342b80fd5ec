"""Cases of each kind, run in a folder of their own; each returns what happened and its faults."""

import os
import resource
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa

from alad.data.writing import write_table

from . import models, options, pictures, tables
from .invariants import of_columns, of_command, of_scores
from .program import Program, Result, snapshot
from .tables import Table

DETECTORS = [*["pca"] * 6, *["knn"] * 6, "isolation-forest", "oc-svm", "lof", "kernel-pca"]
STORED = ["pca", "knn", "isolation-forest", "oc-svm", "lof", "kernel-pca", "alad", "vae", "dagmm"]
ROWS = 40
MEMORY = 12 << 30  # bytes of address space
SHARE_OF_ALAD = 0.02  # of cases, as its two steps take longer than most others


@dataclass
class Outcome:
    """What became of a case: its exit statuses by verb, words that describe it, and its faults."""

    statuses: Counter = field(default_factory=Counter)
    words: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


class Fuzzer:
    """A process's folder, program and intact models."""

    def __init__(self, run: Callable[..., Result] | None = None) -> None:
        # of a device that has no end, not all is read
        self._limits = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, self._limits[1]))
        self.home = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self.program = Program()
        self.run = run or self.program.run
        self._stored: dict[str, Path] = {}
        self._scratch = self.home / "temporary"
        self._scratch.mkdir()
        tempfile.tempdir = str(self._scratch)
        os.environ["TMPDIR"] = str(self._scratch)

    def close(self) -> None:
        """Remove the folder, and the files of the program's output."""
        self.program.close()
        resource.setrlimit(resource.RLIMIT_AS, self._limits)
        tempfile.tempdir = None
        os.environ.pop("TMPDIR", None)
        shutil.rmtree(self.home, ignore_errors=True)

    def case(self, kind: str, seed: int, number: int) -> Outcome:
        """Run a case."""
        random = Random(f"{kind} {seed} {number}")
        outcome = Outcome()
        place = self.home / "case"
        place.mkdir()
        here = Path.cwd()
        os.chdir(place)
        try:
            KINDS[kind](self, random, outcome)
            # torch keeps a cache there of its own
            left = [p for p in self._scratch.iterdir() if not p.name.startswith("torchinductor")]
            if left:
                outcome.faults.append(f"left in the folder for temporary files: {left[:3]}")
                for path in left:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        finally:
            os.chdir(here)
            shutil.rmtree(place, ignore_errors=True)
            shutil.rmtree(self.home / "elsewhere", ignore_errors=True)
        return outcome

    def command(
        self,
        outcome: Outcome,
        arguments: list[str],
        naming: tuple[str, ...] = (),
        outputs: tuple[str, ...] = (),
        statuses: tuple[int, ...] = (0, 2),
        stdin: bytes = b"",
    ) -> Result:
        """Carry out a command, and hold it to what all have in common."""
        before = snapshot(Path())
        result = self.run(arguments, stdin)
        after = snapshot(Path())
        verb = arguments[0] if arguments and arguments[0] in options.VERBS else "no verb"
        outcome.statuses[verb, result.status] += 1
        faults = of_command(result, naming, before, after, outputs, statuses)
        outcome.faults += [f"{' '.join(arguments)}: {fault}" for fault in faults]
        if result.status == 2:
            outcome.refusals.append(result.err.strip().splitlines()[-1] if result.err else "")
        return result

    def stored(self, name: str) -> Path:
        """Return an intact model of a detector, fitted once."""
        if name not in self._stored:
            write_table(usual(), self.home / "usual.csv")
            folder = self.home / "stored" / name
            fit = ["fit", str(self.home / "usual.csv"), "-o", str(folder), "--detector", name, "-q"]
            steps = ["--max-steps", "2"] if name in ("alad", "vae", "dagmm") else []
            result = self.run([*fit, *steps, "--calibration-fraction", "0.5"])
            assert result.status == 0, result.err
            self._stored[name] = folder
        return self._stored[name]


def usual(rows: int = ROWS, seed: int = 0) -> pa.Table:
    """Make the table that stored models learn from."""
    generator = np.random.default_rng(seed)
    kinds = generator.choice(["tcp", "udp"], rows)
    return pa.table(
        {**{f"c{i}": generator.normal(size=rows).round(4) for i in range(3)}, "k": kinds}
    )


def detector(random: Random, outcome: Outcome) -> list[str]:
    """Choose a detector, as options of `fit`."""
    name = random.choice(DETECTORS)
    if random.random() < SHARE_OF_ALAD:
        name = "alad"
    outcome.words.append(name)
    return ["--detector", name, *(["--max-steps", "2"] if name == "alad" else [])]


# --- tables ---------------------------------------------------------------------------------------


def of_table(fuzzer: Fuzzer, random: Random, outcome: Outcome) -> None:
    """Fit on a table, score it with the model, and at times calibrate, explain and report."""
    table = tables.table(random)
    outcome.words += table.words + [word for c in table.columns for word in (c.name, *c.words)]
    Path(table.name).write_bytes(table.content)
    naming = (table.name, "column ", "standard input")
    piped = random.random() < 0.05
    source, stdin = ("-", table.content) if piped else (table.name, b"")
    fit = ["fit", source, "-o", "model", *detector(random, outcome), "-q"]
    result = fuzzer.command(outcome, fit, naming, ("model",), stdin=stdin)
    if table.due is not None and result.status != table.due:
        outcome.faults.append(f"{table.words}: status {result.status}, due {table.due}")
    if "no_header" in table.words and result.status == 0 and _has_numbers(table):
        outcome.faults.append("a row of numbers was taken for the header")
    if result.status == 0:
        _score(fuzzer, random, outcome, table, result)
    else:
        shutil.copytree(fuzzer.stored("pca"), "model")
        score = ["score", "model", table.name, "-o", "scored.csv", "-q"]
        result = fuzzer.command(outcome, score, naming, ("scored.csv",))
        if result.status == 0:
            outcome.faults += of_scores(Path("scored.csv"), None)


def _has_numbers(table: Table) -> bool:
    return any(c.truth and c.truth[0] is not None for c in table.columns) and not any(
        c.harmed for c in table.columns
    )


def _score(fuzzer: Fuzzer, random: Random, outcome: Outcome, table: Table, fitted: Result) -> None:
    """Score the table that the model was fitted on, and use the model in the other verbs."""
    scored = random.choice(["scored.csv", "scored.csv", "scored.parquet", "scored.tsv.gz"])
    score = ["score", "model", table.name, "-o", scored, "-q"]
    naming = (table.name, "column ", scored)
    result = fuzzer.command(outcome, score, naming, (scored,))
    if result.status != 0:
        outcome.faults.append(f"a fitted table cannot be scored: {result.err.strip()!r}")
        return
    if random.random() < 0.1:
        shown = fuzzer.run(["score", "model", table.name, "-q"])
        if shown.status != 0 or not shown.out.count("\n") >= table.rows * table.whole:
            outcome.faults.append(f"scores to stdout: {shown.status}, {shown.out.count(chr(10))}")
    outcome.faults += of_scores(Path(scored), table.rows if table.whole else None)
    outcome.faults += of_columns(table, Path("model"), Path(scored), fitted.err)
    if table.whole and table.words[0] in ("text", "json") and random.random() < 0.3:
        _others(fuzzer, random, outcome, table, fitted.err)
    if random.random() < 0.1:
        explain = ["explain", "model", table.name, "-o", "why.csv", "-q", "--top", "3"]
        fuzzer.command(outcome, explain, naming, ("why.csv",))
    if random.random() < 0.05:
        report = ["report", "model", table.name, "-o", "page.html", "-q"]
        fuzzer.command(outcome, report, naming, ("page.html",))


def _others(fuzzer: Fuzzer, random: Random, outcome: Outcome, table: Table, told: str) -> None:
    """Score other rows of the same columns, written in another way, and calibrate with them.

    told: warnings of the fit.
    """
    others = tables.others(random, table.columns)
    outcome.words += ["others", *others.words]
    Path("others.csv").write_bytes(others.content)
    naming = ("others.csv", "column ", "model")
    result = fuzzer.command(
        outcome,
        ["score", "model", "others.csv", "-o", "others.parquet", "-q"],
        naming,
        ("others.parquet",),
    )
    if result.status == 0:
        outcome.faults += of_scores(Path("others.parquet"), others.rows if others.whole else None)
        outcome.faults += of_columns(
            others, Path("model"), Path("others.parquet"), told + result.err
        )
    fuzzer.command(outcome, ["calibrate", "model", "others.csv", "-q"], naming, ("model",))


def of_scoring(fuzzer: Fuzzer, random: Random, outcome: Outcome) -> None:
    """Fit on the numbers that are meant, typed, and score them as they are written."""
    table = tables.table(random)
    outcome.words += table.words + [word for c in table.columns for word in (c.name, *c.words)]
    Path(table.name).write_bytes(table.content)
    columns = {c.name: pa.array(c.truth if c.truth else c.cells) for c in table.columns}
    write_table(pa.table(columns), "meant.parquet")
    fit = ["fit", "meant.parquet", "-o", "model", "--detector", "pca", "-q"]
    if fuzzer.command(outcome, fit, ("meant.parquet",), ("model",)).status != 0:
        return
    score = ["score", "model", table.name, "-o", "scored.parquet", "-q"]
    naming = (table.name, "column ")
    result = fuzzer.command(outcome, score, naming, ("scored.parquet",))
    if result.status != 0:
        return
    sure = all(c.sure for c in table.columns if c.truth)
    harmed = any(c.harmed for c in table.columns)
    outcome.faults += of_scores(Path("scored.parquet"), table.rows if table.whole else None)
    if table.whole and sure and not harmed and not result.err:
        outcome.faults += of_columns(table, Path("model"), Path("scored.parquet"), "")


def of_parts(fuzzer: Fuzzer, random: Random, outcome: Outcome) -> None:
    """Fit on a folder of part files, each written in its own way, and score it."""
    parts, columns = tables.parts(random)
    outcome.words += [word for part in parts for word in part.words]
    outcome.words += [word for c in columns for word in (c.name, *c.words)]
    Path("parts").mkdir()
    for at, part in enumerate(parts):
        Path("parts", f"part-{at}{Path(part.name).suffix}").write_bytes(part.content)
    whole = Table("parts", b"", columns, whole=all(part.whole for part in parts))
    fit = ["fit", "parts", "-o", "model", *detector(random, outcome), "-q"]
    naming = ("parts", "column ")
    result = fuzzer.command(outcome, fit, naming, ("model",))
    if result.status == 0:
        score = ["score", "model", "parts", "-o", "scored.csv", "-q"]
        if fuzzer.command(outcome, score, naming, ("scored.csv",)).status == 0:
            outcome.faults += of_scores(Path("scored.csv"), whole.rows if whole.whole else None)
            outcome.faults += of_columns(whole, Path("model"), Path("scored.csv"), result.err)
        else:
            outcome.faults.append("fitted parts cannot be scored")


# --- pictures -------------------------------------------------------------------------------------


def of_pictures(fuzzer: Fuzzer, random: Random, outcome: Outcome) -> None:
    """Fit on a folder of pictures, and score it, or another one."""
    for place in ("good", "new"):
        made = pictures.folder(random)
        outcome.words += [place, *made.words]
        for name, content in made.files.items():
            path = Path(place, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    if random.random() < 0.1:
        Path(place, "nowhere.png").symlink_to("nothing")
    if random.random() < 0.05:
        Path(place, "folder.png").mkdir()
    name = random.choice(["pca", "pca", "knn", "isolation-forest"])
    options_ = ["--detector", name]
    if random.random() < 0.05:
        options_ = ["--detector", random.choice(["autoencoder", "alad"]), "--max-steps", "2"]
    if random.random() < 0.1:
        options_ += [random.choice(["--strict", "--size=4", "--size=3x5", "--scaling=robust"])]
    outcome.words += options_
    fit = ["fit", "good", "-o", "model", *options_, "-q"]
    if fuzzer.command(outcome, fit, ("good", "picture", "--scaling"), ("model",)).status != 0:
        return
    for place in ("good", "new"):
        score = ["score", "model", place, "-o", "scored.csv"]
        result = fuzzer.command(outcome, score, (place, "model", "image"), ("scored.csv",))
        if result.status == 0:
            outcome.faults += of_scores(Path("scored.csv"), None)
    if random.random() < 0.2:
        explain = ["explain", "model", "new", "-o", "why", "-q", "--top", "2"]
        fuzzer.command(outcome, explain, ("new", "model", "image"), ("why",))


# --- models ---------------------------------------------------------------------------------------


def of_model(fuzzer: Fuzzer, random: Random, outcome: Outcome) -> None:
    """Damage a stored model, and use it in every verb."""
    name = random.choice(STORED)
    intact = fuzzer.stored(name)
    shutil.copytree(intact, "model")
    word = models.damage(random, Path("model"))
    outcome.words += [name, word]
    use(fuzzer, random, outcome, intact, word)


def of_byte(fuzzer: Fuzzer, random: Random, outcome: Outcome) -> None:
    """Flip a bit of one byte of a stored model, all bytes by turns."""
    name = random.choice(STORED)
    intact = fuzzer.stored(name)
    shutil.copytree(intact, "model")
    word = models.flip(random, Path("model"), *random.choice(models.every_byte(intact)))
    outcome.words += [name, word]
    use(fuzzer, random, outcome, intact, word)


def use(fuzzer: Fuzzer, random: Random, outcome: Outcome, intact: Path, word: str) -> None:
    """Score, and use in another verb, a model that was damaged.

    Unless checksums were computed anew, scores are those of the intact model, or refused.
    """
    write_table(usual(15, seed=1), "new.csv")
    naming = ("model", "column ")
    score = ["score", "model", "new.csv", "-o", "scored.csv", "-q"]
    result = fuzzer.command(outcome, score, naming, ("scored.csv",))
    if result.status == 0:
        outcome.faults += of_scores(Path("scored.csv"), 15)
        if not word.startswith("sealed"):
            due = fuzzer.run(["score", str(intact), "new.csv", "-o", "due.csv", "-q"])
            assert due.status == 0, due.err
            if Path("due.csv").read_bytes() != Path("scored.csv").read_bytes():
                outcome.faults.append(f"altered, accepted, and scores differ: {word}")
    verb = random.choice(["info", "calibrate", "explain", "report", "fit", "rate"])
    more = {
        "info": ["info", "model"],
        "calibrate": ["calibrate", "model", "new.csv", "-q"],
        "explain": ["explain", "model", "new.csv", "-o", "why.csv", "-q", "--top", "2"],
        "report": ["report", "model", "new.csv", "-o", "page.html", "-q"],
        "fit": ["fit", "new.csv", "-o", "model", "-q", "--detector", "pca"],
        "rate": ["score", "model", "new.csv", "-o", "s.csv", "-q", "--false-alarm-rate", "0.2"],
    }[verb]
    outputs = {"explain": "why.csv", "report": "page.html", "rate": "s.csv"}.get(verb, "model")
    fuzzer.command(outcome, more, naming, (outputs,))


# --- options --------------------------------------------------------------------------------------


def of_options(fuzzer: Fuzzer, random: Random, outcome: Outcome) -> None:
    """Carry out a command line of options as they come."""
    write_table(usual(15, seed=1), "new.csv")
    shutil.copytree(fuzzer.stored(random.choice(["pca", "alad"])), "model")
    Path("pictures").mkdir()
    Path("pictures/0.png").write_bytes(pictures.picture(random, "png", "L", (4, 4)))
    words = options.command_line(random)
    outcome.words += words
    outputs = ("out", "out.csv", "out.html", "out.parquet", "model", "x", "report.html", *words)
    result = fuzzer.command(outcome, words, (), outputs, (0, 1, 2), stdin=b"c0,c1\n1,2\n")
    if result.status == 1 and "lower learning_rate" not in result.err:
        outcome.faults.append(f"{' '.join(words)}: exit status 1: {result.err!r}")


KINDS: dict[str, Callable[[Fuzzer, Random, Outcome], None]] = {
    "table": of_table,
    "scoring": of_scoring,
    "parts": of_parts,
    "pictures": of_pictures,
    "model": of_model,
    "byte": of_byte,
    "options": of_options,
}
SHARES = {
    "table": 40,
    "scoring": 15,
    "parts": 10,
    "pictures": 10,
    "model": 15,
    "byte": 10,
    "options": 10,
}
