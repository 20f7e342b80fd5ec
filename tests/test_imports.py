"""The order of the modules, and what importing the package costs."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import alad

PACKAGE = Path(alad.__file__).parent
BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

# The way of the data: a module imports only from those that stand before its own name.
ORDER = [
    *("errors", "parameters", "storage", "randomness", "progress", "data", "preprocess"),
    *("widths", "context", "layers", "windows", "products"),
    *("channels_last", "convolutions", "networks", "weights"),
    *("image_layers", "image_networks", "game", "streamed"),
    *("scores", "monitor", "players", "steps", "gan", "latent_search", "native"),
    *("image_gan", "image_search", "gan_scores", "training"),
    *("calibration", "drift", "decisions", "attribution", "heat", "explanation"),
    *("blocks", "fitted", "constructors", "fitting", "detector"),
    *("image_architectures", "presets", "named_tensors", "networked", "neural"),
    *("generating", "adversarial", "anogan"),
    *("descending", "codes", "reconstruction", "variational", "energy", "mixture"),
    *("classic", "catalogue"),
    *("metrics", "published", "sheets", "comparison", "comparison_sheets", "benchmark"),
    *("report", "paper", "demo"),
    *("cli", "__main__"),
]

HEAVY = {"matplotlib", "numpy", "pyarrow", "rich", "scipy", "sklearn", "torch", "typer"}


def test_order_names_every_module():
    assert set(modules()) == set(ORDER)


@pytest.mark.parametrize("module", ORDER)
def test_module_imports_only_from_earlier_ones(module):
    allowed = {*ORDER[: ORDER.index(module)], module, ""}
    imported = {name for file in files_of(module) for name in alad_imports(file.read_text("utf-8"))}
    assert imported <= allowed


def test_a_wrong_import_is_seen():
    wrong = "def f():\n    from alad.cli import main\n    from alad import report, load\n"
    assert set(alad_imports(wrong)) == {"cli", "report", ""}


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


def modules() -> list[str]:
    """Names of the package's modules and folders, `__init__` excepted."""
    found = [path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"]
    return found + [path.parent.name for path in PACKAGE.glob("*/__init__.py")]


def files_of(module: str) -> list[Path]:
    folder = PACKAGE / module
    return sorted(folder.glob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def alad_imports(source: str) -> list[str]:
    """Modules of the package that `source` imports; "" for what `alad/__init__` itself offers."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the order"
            found += [f"{node.module}.{name.name}" for name in node.names]
    parts = [name.split(".") for name in found if name.split(".")[0] == "alad"]
    return [part[1] if len(part) > 1 and part[1] in ORDER else "" for part in parts]


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
