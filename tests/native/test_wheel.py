"""Wheels and sdist: what is in them, and that a wheel needs no compiler. `.ci/run` runs these."""

import email
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import alad
from alad.native import compiling, packaged

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "alad"
COMPILERS = ("cc", "gcc", "clang", "c99", "zig")

pytestmark = pytest.mark.slow


def built(folder: Path, *formats: str, **environment: str) -> list[Path]:
    """Build what `formats` say (wheel, sdist) into the folder."""
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    command += [part for format in formats for part in ("-t", format)]
    env = {name: value for name, value in os.environ.items() if name != "ALAD_WHEEL"}
    run = subprocess.run(command, cwd=ROOT, env=env | environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> tuple[Path, Path]:
    """sdist and wheel for this machine."""
    if shutil.which("cc") is None:
        pytest.skip("no compiler here")
    wheel, sdist = built(tmp_path_factory.mktemp("dist"), "wheel", "sdist")
    return sdist, wheel


def of_package(names: list[str]) -> set[str]:
    return {name for name in names if name.startswith("alad/")}


def test_the_wheel_holds_the_package_and_its_libraries_and_nothing_else(dist):
    names = zipfile.ZipFile(dist[1]).namelist()
    files = (
        path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in str(path)
    )
    sources = {f"alad/{path.relative_to(PACKAGE).as_posix()}" for path in files}
    libraries = {
        f"alad/native/lib/{level.name}.so" for level in packaged.LEVELS[packaged.machine()]
    }
    if packaged.machine() == "x86_64":
        libraries |= {"alad/native/lib/processor.so"}
    assert of_package(names) == sources | libraries
    beside = {name.partition("/")[2] for name in set(names) - of_package(names)}
    assert beside == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def test_the_sdist_holds_what_a_build_and_the_tests_need(dist):
    with tarfile.open(dist[0]) as sdist:
        names = [name.partition("/")[2] for name in sdist.getnames()]
    tops = {name.partition("/")[0] for name in names}
    assert tops == {
        *("src", "tests", "docs", "README.md", "CHANGELOG.md", "EXPERIMENTS.md", "LICENSE"),
        *("mkdocs.yml", "pyproject.toml", "hatch_build.py", "PKG-INFO", ".gitignore"),
    }
    assert {f"src/alad/native/{name}" for name in compiling.SOURCES} <= set(names)
    assert not [name for name in names if name.endswith((".so", ".pyc", ".onnx", ".npz"))]


def test_the_version_comes_from_one_place(dist):
    sdist, wheel = dist
    (metadata,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("METADATA"))
    told = email.message_from_bytes(zipfile.ZipFile(wheel).read(metadata))
    assert told["Version"] == alad.__version__
    assert wheel.name.startswith(f"alad-{alad.__version__}-py3-none-")
    assert sdist.name == f"alad-{alad.__version__}.tar.gz"
    assert f"## {alad.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_index_would_take_them(dist):
    pytest.importorskip("twine")
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, dist)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


@pytest.fixture(scope="module")
def installed(dist, tmp_path_factory) -> Path:
    """A fresh environment with the wheel alone; dependencies are those of this one."""
    home = tmp_path_factory.mktemp("environment")
    here = Path(np.__file__).parents[1]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    # its own editable installation, if there is one, is a .pth, and those are not followed twice
    (packages / "dependencies.pth").write_text(str(here))
    where = ["--python", str(home / "bin" / "python")]
    install = ["install", "--quiet", "--no-deps", "--no-index", str(dist[1])]
    subprocess.run([sys.executable, "-m", "pip", *where, *install], check=True)
    return home


def without_compiler(folder: Path) -> dict[str, str]:
    """An environment in which every compiler fails, and is noted."""
    tools = folder / "tools"
    tools.mkdir()
    for name in COMPILERS:
        (tools / name).write_text(f"#!/bin/sh\necho {name} >> {folder / 'called'}\nexit 1\n")
        (tools / name).chmod(0o700)
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CC")}
    own = {"XDG_CACHE_HOME": str(folder / "cache"), "PATH": str(tools), "OMP_NUM_THREADS": "1"}
    return env | own


def assert_nothing_compiled(folder: Path) -> None:
    assert not (folder / "called").exists() and not list((folder / "cache").rglob("*.so"))


def test_the_demo_runs_from_a_wheel_without_a_compiler(installed, tmp_path):
    command = [installed / "bin" / "python", "-m", "alad", "demo"]
    env = without_compiler(tmp_path)
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no engines in C" not in done.stderr
    assert_nothing_compiled(tmp_path)
    made = {path.name for path in (tmp_path / "alad-demo").iterdir()}
    assert {"model", "normal.csv", "new.csv", "report.html"} <= made


def test_a_wheel_trains_and_scores_without_a_compiler_and_to_the_same_bits(installed, tmp_path):
    env = without_compiler(tmp_path)
    rows = np.random.default_rng(0).normal(size=(300, 3)) @ np.ones((3, 5))
    table = tmp_path / "rows.csv"
    np.savetxt(table, rows, delimiter=",", header="a,b,c,d,e", comments="")

    def run(environment: dict[str, str], python: Path | str, *words: str) -> str:
        done = subprocess.run(
            [str(python), *words], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "no engines in C" not in done.stderr
        return done.stdout

    def fit_and_score(environment: dict[str, str], python: Path | str, model: str) -> bytes:
        options = ["--max-steps", "30", "--engine", "native", "--seed", "0"]
        run(environment, python, "-m", "alad", "fit", str(table), "-o", model, *options)
        run(environment, python, "-m", "alad", "score", model, str(table), "-o", f"{model}.csv")
        return (tmp_path / f"{model}.csv").read_bytes()

    python = installed / "bin" / "python"
    place = run(env, python, "-c", "from alad.native import build; print(build.library()._name)")
    assert Path(place.strip()).is_relative_to(installed)
    of_wheel = fit_and_score(env, python, "wheel")
    assert_nothing_compiled(tmp_path)
    # compiled here for just this processor: the same weights, so the same scores
    here = os.environ | {"PYTHONPATH": str(ROOT / "src"), "ALAD_NATIVE": "compile"}
    assert of_wheel == fit_and_score(here | {"OMP_NUM_THREADS": "1"}, sys.executable, "checkout")
    for level in packaged.LEVELS[packaged.machine()]:
        if level.version <= supported(installed):
            named = env | {"ALAD_NATIVE": level.name}
            assert of_wheel == fit_and_score(named, python, level.name)


def supported(installed: Path) -> int:
    code = "from alad.native import packaged; print(packaged.supported())"
    python = str(installed / "bin" / "python")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return int(subprocess.check_output([python, "-c", code], env=env, text=True))


# --- other systems: what a cross compiler makes, looked at and not run ----------------------------

ELF, MACHO, PE = b"\x7fELF", b"\xcf\xfa\xed\xfe", b"MZ"
SYSTEMS = {
    "linux-x86_64": ("manylinux_2_17_x86_64", ELF, ["avx2", "avx512", "processor"]),
    "linux-aarch64": ("manylinux_2_17_aarch64", ELF, ["neon"]),
    "macos-arm64": ("macosx_11_0_arm64", MACHO, ["neon"]),
    "windows-x86_64": ("win_amd64", PE, ["avx2", "avx512", "processor"]),
    "windows-arm64": ("win_arm64", PE, ["neon"]),
}
MACHINES = {"x86_64": {62, 0x8664}, "aarch64": {183, 0x0100000C, 0xAA64}}


def machine_of(code: bytes) -> int:
    """The number of the processor in the header of an ELF, Mach-O or PE file."""
    if code.startswith(ELF):
        return struct.unpack_from("<H", code, 18)[0]
    if code.startswith(MACHO):
        return struct.unpack_from("<I", code, 4)[0]
    return struct.unpack_from("<H", code, struct.unpack_from("<I", code, 60)[0] + 4)[0]


@pytest.mark.parametrize("system", SYSTEMS)
def test_wheels_of_other_systems_are_built_here(system, tmp_path):
    pytest.importorskip("ziglang")
    tag, magic, names = SYSTEMS[system]
    (wheel,) = built(tmp_path, "wheel", ALAD_WHEEL=system)
    assert wheel.name == f"alad-{alad.__version__}-py3-none-{tag}.whl"
    files = zipfile.ZipFile(wheel)
    libraries = sorted(name for name in files.namelist() if name.startswith("alad/native/lib/"))
    assert libraries == [f"alad/native/lib/{name}.so" for name in names]
    for library in libraries:
        code = files.read(library)
        assert code.startswith(magic)
        assert machine_of(code) in MACHINES["x86_64" if "x86_64" in system else "aarch64"]
        entry = b"alad_level" if "processor" in library else b"alad_score"
        assert entry in code
        needed = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", code)]
        assert all(minor <= 17 for minor in needed)


def test_a_system_that_is_none_is_refused(tmp_path):
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    env = os.environ | {"ALAD_WHEEL": "amiga"}
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert run.returncode != 0 and "choose one of: linux-x86_64" in run.stderr + run.stdout
    assert not list(tmp_path.iterdir())
