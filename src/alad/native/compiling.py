"""From the package's C sources to a library, by the system's compiler, for this processor.

The library lies in the user's cache folder under a name that holds a hash of sources, compiler,
flags and processor; so another version, another compiler or a home folder shared between machines
never meets a library that is not its own.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path

from alad import locks

# what the compiler is given
UNITS = ("product.c", "step.c", "search.c", "score.c", "convolve.c", "encode.c")
HEADERS = ("product.h", "streams.h", "layers.h", "packed.h", "periods.h", "lengths.h")
SOURCES = (*HEADERS, *UNITS)
# No -ffast-math: NaN must stay NaN, and sums keep the order that is written. Products are fused
# with the sums that they are added to in product.c alone: elsewhere compilers choose differently
FLAGS = "-std=c11 -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -fopenmp-simd"
FUSED = {"product.c": "-ffp-contract=fast"}
MACHINE_FLAGS = ("-march=native", "-mcpu=native", "")  # the first that the compiler takes
FOR_ALL = "processor.c"  # beside the libraries of a wheel; runs on any processor
COMPILE_SECONDS = 120
SCRATCH = "compiling-"  # begins the name of a folder of the cache that somebody compiles in


class BuildError(RuntimeError):
    """The reason, in one line, why there is no library."""


def library(compiler: str) -> ctypes.CDLL:
    """Load the library that the compiler makes, from the cache if it is there. Raises BuildError.

    compiler: $CC, by which a user can name another one than cc.
    """
    return _library(shlex.split(compiler) or ["cc"])


def _library(compiler: list[str]) -> ctypes.CDLL:
    if shutil.which(compiler[0]) is None:
        raise BuildError(f"no C compiler: {compiler[0]!r} not found; install one or set CC")
    name = f"step-{_fingerprint(compiler)}.so"
    try:
        return _load_or_compile(compiler, _cache_folder() / name)
    except OSError as error:
        reason = str(error)
    # for this process alone: a library that is loaded needs its file no more
    try:
        with tempfile.TemporaryDirectory(prefix="alad-native-") as folder:
            library = _load_or_compile(compiler, Path(folder) / name)
    except OSError as error:
        raise BuildError(f"the compiled library could not be stored or loaded: {error}") from error
    warnings.warn(
        f"the engines in C are compiled anew in every process, for lack of a cache ({reason}): let "
        "XDG_CACHE_HOME name a folder that can be written",
        stacklevel=2,
    )
    return library


def _source_folder() -> Path:
    return Path(str(files("alad.native")))


def _fingerprint(compiler: list[str]) -> str:
    """Hash all that the compiled library depends on: sources, flags, compiler, processor."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((_source_folder() / name).read_bytes())
    for part in (
        FLAGS,
        *FUSED.values(),
        *MACHINE_FLAGS,
        *compiler,
        _version(compiler),
        _processor(),
    ):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:24]


def _version(compiler: list[str]) -> str:
    return _run([*compiler, "--version"]).stdout


def _processor() -> str:
    """Describe the processor that `native` means, with its instruction sets if possible."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    telling = ("flags", "features", "model name")
    flags = sorted({line for line in lines if line.lower().startswith(telling)})
    return "\n".join([platform.system(), platform.machine(), platform.processor(), *flags])


def _cache_folder() -> Path:
    """Make a cache folder that only the user may write to, as its libraries are run.

    Raises PermissionError if others may.
    """
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root / "alad" / "native"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    foreign = hasattr(os, "getuid") and status.st_uid != os.getuid()
    if foreign or (os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o022):
        raise PermissionError(f"{folder} can be written to by others")
    return folder


def _load_or_compile(compiler: list[str], target: Path) -> ctypes.CDLL:
    if not target.exists():
        _remove_abandoned(target.parent)
        with (
            tempfile.TemporaryDirectory(prefix=SCRATCH, dir=target.parent) as scratch,
            locks.locked(Path(scratch), wait=True),
        ):
            made = Path(scratch) / target.name
            _compile(compiler, made)
            made.replace(target)  # in one go: another process sees all of it or nothing
    return ctypes.CDLL(str(target))


def _remove_abandoned(cache: Path) -> None:
    """Remove what processes that were killed had compiled until then."""
    for scratch in cache.glob(f"{SCRATCH}*"):
        with suppress(OSError), locks.locked(scratch, wait=False) as free:
            if free:
                shutil.rmtree(scratch)


def _compile(compiler: list[str], target: Path) -> None:
    """Compile for this processor. Raises BuildError with the first of the compiler's messages."""
    reasons: list[BuildError] = []
    for machine in MACHINE_FLAGS:
        try:
            return compile_units(compiler, ["-fPIC", *machine.split()], target)
        except BuildError as error:
            reasons.append(error)
    raise reasons[0]


def compile_units(
    compiler: list[str], flags: list[str], target: Path, units: Sequence[str] = UNITS
) -> None:
    """Compile C sources of this folder to a library at `target`. Raises BuildError."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        objects = [str(Path(scratch) / f"{name}.o") for name in units]
        for name, made in zip(units, objects, strict=True):
            own = [*FLAGS.split(), *flags, FUSED.get(name, "")]
            _made_by(
                [*compiler, *filter(None, own), "-c", str(_source_folder() / name), "-o", made]
            )
        _made_by([*compiler, *flags, "-shared", *objects, "-o", str(target), "-lm"])


def _made_by(command: list[str]) -> None:
    done = _run(command)
    if done.returncode:
        reason = " ".join(done.stderr.split())[:300]
        raise BuildError(f"{command[0]} could not compile the C sources: {reason}")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        running = subprocess.Popen(  # noqa: S603  (the compiler, no shell)
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with running, _ended_at_error(running):
            out, err = running.communicate(timeout=COMPILE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]} could not be run: {error}") from error
    return subprocess.CompletedProcess(command, running.returncode, out, err)


@contextmanager
def _ended_at_error(running: subprocess.Popen[str]) -> Iterator[None]:
    """End the compiler and its own processes at an error: they would go on for minutes."""
    try:
        yield
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL) if hasattr(os, "killpg") else running.kill()
        raise
