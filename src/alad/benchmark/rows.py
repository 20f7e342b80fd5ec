"""The rows of every benchmark by its name, those of its quick pass among them."""

from dataclasses import replace

from alad.benchmark.data.image_splits import CLASSES
from alad.benchmark.image_rows import ON_IMAGES
from alad.benchmark.row import Row, ablation_of, untrained_name
from alad.benchmark.table_rows import ON_TABLES
from alad.errors import InputError

QUICK = "-quick"  # how the name of a pass of minutes ends
QUICK_SEARCHED = 500  # test rows of detectors that search for every row

BENCHMARKS: dict[str, tuple[Row, ...]] = {**ON_TABLES, **ON_IMAGES}


def _quick(row: Row) -> Row:
    """The row in a pass of minutes: few steps, and few members even where splits differ."""
    return replace(
        row,
        changes={**row.changes, **row.quick},
        protocols=("quick",),
        together=min(row.together, 2),
        test_rows=row.test_rows and min(row.test_rows, QUICK_SEARCHED),
    )


# A pass that shows that all runs, and roughly what comes out; its numbers stand for themselves.
BENCHMARKS |= {
    f"{name}{QUICK}": tuple(_quick(row) for row in BENCHMARKS[name] if "clean" in row.protocols)
    for name in ("kdd99", "arrhythmia")
}
BENCHMARKS |= {
    f"{name}{QUICK}": tuple(_quick(row) for row in BENCHMARKS[name] if not row.hours)
    for name in CLASSES
}
RUNS = {"adbench": 5, "kdd99-quick": 2}  # of ADBench as published
RUNS |= {name: 1 for base in CLASSES for name in (base, f"{base}{QUICK}")}  # hours each, on a CPU
PAPERS_RUNS = 10  # on tables


def published_as(benchmark: str) -> str:
    """The benchmark whose published numbers belong to this one."""
    return benchmark.removesuffix(QUICK)


def quick_name(name: str) -> str:
    """The benchmark that is the pass of minutes over `name`; InputError if there is none."""
    short = name if name.endswith(QUICK) else f"{name}{QUICK}"
    if short not in BENCHMARKS:
        quick = ", ".join(name.removesuffix(QUICK) for name in BENCHMARKS if name.endswith(QUICK))
        raise InputError(f"there is no quick pass of {name!r}; there is one of: {quick}")
    return short


def usual_runs(benchmark: str) -> int:
    """How many runs a row has on a split that all runs share, unless told otherwise."""
    return RUNS.get(benchmark, PAPERS_RUNS)


def rows_of(benchmark: str) -> tuple[Row, ...]:
    """Rows of a benchmark, without the one of the ablation study that "alad" itself already is.

    Raises InputError if there is no such benchmark.
    """
    if benchmark not in BENCHMARKS:
        names = ", ".join(BENCHMARKS)
        raise InputError(f"there is no benchmark {benchmark!r}; choose one of: {names}")
    listed = BENCHMARKS[benchmark]
    alads = {ablation_of(row) for row in listed if row.name == "alad"}
    return tuple(row for row in listed if row.published not in alads)


def untrained_twin(benchmark: str, name: str) -> tuple[str, str]:
    """(name of the row of its networks before training, what they are); there may be no such row.

    Rows of the ablation study share those of "alad". Before training DL changes no score, as the
    discriminator of codes has no part in one; SN does, and is then named.
    """
    rows = {row.name: row for row in rows_of(benchmark)}
    row, alad, twin = rows[name], rows.get("alad"), untrained_name(name)
    if twin in rows or alad is None or not ablation_of(row) or row.preset != alad.preset:
        return twin, "the same networks untrained"
    switched = [each.params().get("spectral_norm") is not False for each in (row, alad)]
    other = {True: " with SN", False: " without SN"}[switched[1]] if len(set(switched)) > 1 else ""
    return untrained_name("alad"), f"untrained ALAD{other}"
