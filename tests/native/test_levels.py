"""AVX2, AVX-512 and NEON give the same bits: a program for each, the last under an emulator."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alad.native import compiling, packaged

HERE, SOURCES = Path(__file__).parent, Path(compiling.__file__).parent
BUILDS = {  # name -> system, zig's name of the level, what runs it
    "avx2": ("x86_64-linux-musl", "x86_64_v3", None),
    "avx512": ("x86_64-linux-musl", "x86_64_v4", None),
    "neon": ("aarch64-linux-musl", "baseline", "qemu-aarch64-static"),
}


def results(name: str, folder: Path) -> list[str]:
    """Compile the program for a level and run it; skip the test where it cannot run."""
    system, level, emulator = BUILDS[name]
    if emulator and shutil.which(emulator) is None:
        pytest.skip(f"no {emulator} here")
    if not emulator and (packaged.machine() != "x86_64" or not sys.platform.startswith("linux")):
        pytest.skip("not a Linux on x86-64")
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", system, f"-mcpu={level}"]
    compiler += [*compiling.FLAGS.split(), f"-I{SOURCES}"]
    objects = []
    for source in (SOURCES / "product.c", SOURCES / "score.c", HERE / "forward.c"):
        objects.append(str(folder / f"{source.stem}.o"))
        fused = [flag for flag in [compiling.FUSED.get(source.name)] if flag]
        subprocess.run([*compiler, *fused, "-c", str(source), "-o", objects[-1]], check=True)
    program = str(folder / "forward")
    subprocess.run([*compiler[:6], *objects, "-o", program, "-lm"], check=True)
    command = [emulator, program] if emulator else [program]
    return subprocess.check_output(command, text=True).split()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["avx512", "neon"])
def test_a_pass_gives_the_bits_of_avx2(name, tmp_path):
    pytest.importorskip("ziglang")
    if name == "avx512" and "avx512f" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("no AVX-512 here")
    (tmp_path / "avx2").mkdir()
    (tmp_path / name).mkdir()
    due = results("avx2", tmp_path / "avx2")
    assert len(set(due)) == 191
    assert results(name, tmp_path / name) == due
