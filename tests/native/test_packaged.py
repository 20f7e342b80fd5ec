"""Which library of a wheel is loaded, by processor and by what is asked for."""

import functools
import subprocess
from pathlib import Path

import pytest

from alad.native import build, compiling, packaged

CPUINFO = Path("/proc/cpuinfo")


@pytest.fixture
def wheel(monkeypatch, tmp_path):
    """A folder of libraries for x86-64, empty ones, as a wheel brings them."""
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    monkeypatch.setattr(packaged, "machine", lambda: "x86_64")
    monkeypatch.setattr(build, "_made", functools.cache(build._made.__wrapped__))
    monkeypatch.setattr(packaged.ctypes, "CDLL", lambda path: Path(path).stem)
    for name in ("avx2", "avx512"):
        packaged.path(name).touch()
    return tmp_path


def runs(monkeypatch, version):
    monkeypatch.setattr(packaged, "supported", lambda: version)


@pytest.mark.parametrize(
    ("version", "choice", "loaded"),
    [(4, "", "avx512"), (3, "", "avx2"), (4, "avx2", "avx2"), (4, "avx512", "avx512")],
)
def test_the_best_that_runs_here_or_the_one_asked_for(wheel, monkeypatch, version, choice, loaded):
    runs(monkeypatch, version)
    monkeypatch.setenv("ALAD_NATIVE", choice)
    monkeypatch.setattr(compiling, "library", lambda compiler: pytest.fail("compiled"))
    assert build.library() == loaded


@pytest.mark.parametrize(
    ("version", "choice", "reason"),
    [
        (0, "", "this processor has no avx2 or avx512; ALAD_NATIVE=compile has a compiler"),
        (3, "avx512", "this processor has no avx512"),
        (4, "neon", "ALAD_NATIVE='neon' is not here; choose one of: compile, off, avx512, avx2"),
        (4, "off", "ALAD_NATIVE=off"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(wheel, monkeypatch, version, choice, reason):
    runs(monkeypatch, version)
    monkeypatch.setenv("ALAD_NATIVE", choice)
    assert (build.problem() or "").startswith(reason)


def test_beside_a_wheels_libraries_compiling_is_asked_for(wheel, monkeypatch):
    runs(monkeypatch, 4)
    monkeypatch.setenv("ALAD_NATIVE", "compile")
    monkeypatch.setenv("CC", "gcc-14")
    monkeypatch.setattr(compiling, "library", lambda compiler: f"made by {compiler}")
    assert build.library() == "made by gcc-14"


def test_a_source_checkout_has_none_and_compiles(wheel, monkeypatch):
    for path in wheel.iterdir():
        path.unlink()
    monkeypatch.delenv("ALAD_NATIVE", raising=False)
    monkeypatch.setattr(compiling, "library", lambda compiler: "compiled")
    assert build.library() == "compiled"


@pytest.mark.skipif(not CPUINFO.exists(), reason="the system does not list instructions")
def test_the_level_told_in_c_is_that_of_the_systems_list(monkeypatch, tmp_path):
    if packaged.machine() != "x86_64":
        pytest.skip("other processors have one level")
    target = tmp_path / (packaged.PROCESSOR + packaged.SUFFIX)
    try:
        compiling.compile_units(["cc"], ["-fPIC"], target, (compiling.FOR_ALL,))
    except compiling.BuildError as error:
        pytest.skip(str(error))
    flags = set(CPUINFO.read_text().partition("flags")[2].partition("\n")[0].split())
    avx2 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "cx16", "lahf_lm"}
    avx512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
    due = 0 if not avx2 <= flags else 4 if avx512 <= flags else 3
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    assert packaged.supported() == due


def test_compilers_fuse_what_the_source_says_and_no_more(tmp_path):
    """So that whoever compiles gets the same bits: no fused product outside of product.c."""
    if packaged.machine() != "x86_64":
        pytest.skip("looks for instructions of x86-64")
    target = tmp_path / "search.so"
    try:
        compiling.compile_units(["cc"], ["-fPIC", "-march=x86-64-v3"], target, ("search.c",))
        code = subprocess.run(["objdump", "-d", str(target)], capture_output=True, text=True)
    except (compiling.BuildError, OSError) as error:
        pytest.skip(str(error))
    assert "vsqrtps" in code.stdout and "vfmadd" not in code.stdout
