"""The order of the packages, and what importing the package costs."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import alad

PACKAGE = Path(alad.__file__).parent
BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

# The way of the data, a floor a line: a package, or a module that lies in none, imports from lower
# floors only, so two on one floor know nothing of each other.
FLOORS = [
    ["errors", "locks", "files", "version", "progress", "row_kinds", "indexing"],
    ["parameters", "declared", "native"],
    ["storage", "randomness", "presets"],
    ["data", "networks", "metrics", "backbone"],
    ["encoding"],
    ["training", "detector"],
    ["neural", "classic"],
    ["adversarial", "autoencoders"],
    ["anogan"],
    ["schema1"],
    ["catalogue"],
    ["report", "export"],
    ["benchmark.data"],
    ["benchmark"],
    ["paper", "demo", "picture_demo", "speed", "ray"],
    ["cli"],
    ["__main__"],
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

HEAVY = {"matplotlib", "numpy", "pyarrow", "rich", "scipy", "sklearn", "torch", "typer"}


def test_the_floors_name_every_room():
    assert {room_of(module) for module in MODULES} - {""} == set(FLOOR)


@pytest.mark.parametrize("room", FLOOR)
def test_room_imports_only_from_lower_floors(room):
    inside = [module for module in MODULES if room_of(module) == room]
    arrows = {(module, other) for module in inside for other in imports_of(module)}
    upwards = {
        (module, other)
        for module, other in arrows
        if room_of(other) not in (room, "") and FLOOR[room_of(other)] >= FLOOR[room]
    }
    assert upwards == set()


def test_no_module_is_part_of_a_circle():
    """Not even of types alone: what is in a circle can only be understood all at once."""
    # the package itself offers names of every module, each when it is asked for
    arrows = {module: imports_of(module) - {"alad"} for module in MODULES if module != "alad"}
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {error.args[1]}")


def test_a_wrong_import_is_seen():
    wrong = "def f():\n    from alad.cli import main\n    from alad import report, load\n"
    assert set(alad_imports(wrong)) == {"alad.cli", "alad.report", "alad"}


def test_import_of_the_package_loads_nothing_heavy():
    assert loaded_by("import alad") & HEAVY == set()


def test_command_line_loads_no_engine():
    heavy = HEAVY - {"typer", "rich"}
    assert loaded_by("import alad.cli") & heavy == set()


def test_every_exported_name_exists():
    assert all(getattr(alad, name) is not None for name in alad.__all__)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'alad' has no attribute 'DAGMM9'"):
        _ = alad.DAGMM9


def modules() -> dict[str, Path]:
    """Dotted name -> file, of every module of the package; a package's own is its `__init__`."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("alad", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room_of(module: str) -> str:
    """The package or lone module it belongs to, without "alad."; "" = the package itself."""
    parts = module.split(".")[1:]
    inner = ".".join(parts[:2])
    return inner if inner in FLOOR else "".join(parts[:1])


def imports_of(module: str) -> set[str]:
    return set(alad_imports(MODULES[module].read_text("utf-8"))) - {module}


def alad_imports(source: str) -> Iterator[str]:
    """Modules of the package that `source` imports; "alad" for what `alad/__init__` offers."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the order"
            names = [f"{node.module}.{name.name}" for name in node.names]
        for name in names:
            if name.split(".")[0] == "alad":
                yield name if name in MODULES else name.rpartition(".")[0]


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in `sys.modules` of a fresh interpreter after `statement`."""
    code = f"{statement}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("script", sorted(path.stem for path in BENCHMARKS.glob("*.py")))
def test_benchmark_scripts_import_what_there_is(script, monkeypatch):
    """They run for minutes to hours, so no test runs them whole."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    importlib.import_module(script)
