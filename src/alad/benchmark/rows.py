"""The rows of every benchmark and of its quick pass, by name."""

from dataclasses import replace

from alad.benchmark.data.image_splits import CLASSES
from alad.benchmark.image_rows import ON_IMAGES
from alad.benchmark.row import Row, ablation_of, untrained_name
from alad.benchmark.table_rows import ON_TABLES
from alad.errors import InputError

SUFFIX = "-quick"  # how the name of a pass of minutes ends
QUICK_SEARCHED = 500  # test rows of detectors that search for every row

BENCHMARKS: dict[str, tuple[Row, ...]] = {**ON_TABLES, **ON_IMAGES}


def _quick(row: Row) -> Row:
    """Make the row of a pass of minutes: fewer steps, members and test rows."""
    return replace(
        row,
        changes={**row.changes, **row.quick},
        protocols=("quick",),
        together=min(row.together, 2),
        test_rows=row.test_rows and min(row.test_rows, QUICK_SEARCHED),
    )


# Passes that show that all runs; their numbers cannot be compared with published ones
BENCHMARKS |= {
    f"{name}{SUFFIX}": tuple(_quick(row) for row in BENCHMARKS[name] if "clean" in row.protocols)
    for name in ("kdd99", "arrhythmia")
}
BENCHMARKS |= {
    f"{name}{SUFFIX}": tuple(_quick(row) for row in BENCHMARKS[name] if not row.hours)
    for name in CLASSES
}
RUNS = {"adbench": 5, "one-class": 3, "kdd99-quick": 2}  # of ADBench as published
RUNS |= {name: 1 for base in CLASSES for name in (base, f"{base}{SUFFIX}")}  # hours each, on a CPU
PAPERS_RUNS = 10  # on tables


def published_as(benchmark: str) -> str:
    """Name the benchmark whose published numbers stand beside this one."""
    return benchmark.removesuffix(SUFFIX)


def quick_name(name: str) -> str:
    """Name the quick pass of a benchmark. Raises InputError if there is none."""
    short = name if name.endswith(SUFFIX) else f"{name}{SUFFIX}"
    if short not in BENCHMARKS:
        quick = ", ".join(name.removesuffix(SUFFIX) for name in BENCHMARKS if name.endswith(SUFFIX))
        raise InputError(f"there is no quick pass of {name!r}; there is one of: {quick}")
    return short


def usual_runs(benchmark: str) -> int:
    """Count the runs of a row on a shared split, where no number is given."""
    return RUNS.get(benchmark, PAPERS_RUNS)


def rows_of(benchmark: str) -> tuple[Row, ...]:
    """List the rows of a benchmark, without the one of the ablation study that is "alad" itself.

    Raises InputError if there is no such benchmark.
    """
    if benchmark not in BENCHMARKS:
        names = ", ".join(BENCHMARKS)
        raise InputError(f"there is no benchmark {benchmark!r}; choose one of: {names}")
    listed = BENCHMARKS[benchmark]
    alads = {ablation_of(row) for row in listed if row.name == "alad"} - {None}
    return tuple(row for row in listed if row.published not in alads)


def untrained_twin(benchmark: str, name: str) -> tuple[str, str]:
    """Find a row's networks before training; -> (name of a row that may exist, what they are).

    Rows of the ablation study share those of "alad": before training D_zz changes no score, and
    spectral normalisation, which does, is named.
    """
    rows = {row.name: row for row in rows_of(benchmark)}
    row, alad, twin = rows[name], rows.get("alad"), untrained_name(name)
    if twin in rows or alad is None or not ablation_of(row) or row.preset != alad.preset:
        return twin, "the same networks untrained"
    switched = [at.params().get("spectral_norm") is not False for at in (row, alad)]
    other = {True: " with SN", False: " without SN"}[switched[1]] if len(set(switched)) > 1 else ""
    return untrained_name("alad"), f"untrained ALAD{other}"
