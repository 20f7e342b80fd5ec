"""What a wheel is built with: the C of src/alad/native, compiled for each level of processors.

A wheel for this machine is compiled by $CC or cc. ALAD_WHEEL=NAME makes one for another system, or
for any Linux, with the compiler of the package ziglang, which has the headers of all of them. An
editable installation gets no libraries: a source checkout compiles at first use.
"""

import os
import shlex
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASKED = "ALAD_WHEEL"


@dataclass(frozen=True)
class Target:
    """A system to build for: zig's name of it, its processors, the wheel's tag."""

    system: str
    machine: str
    tag: str

    def flags(self, level: str) -> list[str]:
        """Give the compiler's flags for a level, by its flags for a compiler of this machine."""
        # zig spells x86-64-v3 x86_64_v3; without a name it would take this machine's processor
        model = level.removeprefix("-march=").replace("-", "_") or "baseline"
        position = [] if "windows" in self.system else ["-fPIC"]  # Windows has no other code
        return ["-target", self.system, f"-mcpu={model}", *position, "-s"]


TARGETS = {
    "linux-x86_64": Target("x86_64-linux-gnu.2.17", "x86_64", "manylinux_2_17_x86_64"),
    "linux-aarch64": Target("aarch64-linux-gnu.2.17", "aarch64", "manylinux_2_17_aarch64"),
    "macos-arm64": Target("aarch64-macos.11.0", "aarch64", "macosx_11_0_arm64"),
    "windows-x86_64": Target("x86_64-windows-gnu", "x86_64", "win_amd64"),
    "windows-arm64": Target("aarch64-windows-gnu", "aarch64", "win_arm64"),
}


class NativeBuild(BuildHookInterface):
    """Puts the libraries and the wheel's tag into what hatchling builds."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Name what the build needs beside hatchling: a compiler, for another system."""
        return ["ziglang>=0.14"] if os.environ.get(ASKED) else []

    def initialize(self, version: str, build_data: dict) -> None:
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root) / "src"))
        self.folder = Path(tempfile.mkdtemp(prefix="alad-wheel-"))
        asked = os.environ.get(ASKED, "")
        tag = self._for_target(asked) if asked else self._for_this_machine()
        libraries = sorted(self.folder.glob("*.so"))
        if libraries:
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{tag}"
            build_data["force_include"] |= {
                str(path): f"alad/native/lib/{path.name}" for path in libraries
            }

    def finalize(self, version: str, build_data: dict, artifact_path: str) -> None:
        if version != "editable":
            shutil.rmtree(self.folder)

    def _for_target(self, name: str) -> str:
        """Compile all levels for another system; a level that fails ends the build."""
        if name not in TARGETS:
            raise SystemExit(f"{ASKED}={name!r}; choose one of: {', '.join(TARGETS)}")
        target = TARGETS[name]
        compiler = [sys.executable, "-m", "ziglang", "cc"]
        for file, level, units in self._libraries(target.machine):
            self._compile(compiler, target.flags(level), file, units)
        return target.tag

    def _for_this_machine(self) -> str:
        """Compile for this system; without a compiler the wheel is one of Python alone."""
        from alad.native import packaged
        from alad.native.compiling import BuildError

        compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
        try:
            for file, level, units in self._libraries(packaged.machine()):
                self._compile(compiler, ["-fPIC", *level.split()], file, units)
        except BuildError as error:
            shutil.rmtree(self.folder)
            self.folder.mkdir()
            self.app.display_warning(f"a wheel without engines in C, which is slower: {error}")
        return sysconfig.get_platform().translate(str.maketrans("-.", "__"))

    def _libraries(self, machine: str):
        """List the libraries of a kind of processor: name, flags of its level, C sources."""
        from alad.native import compiling, packaged

        if machine == "x86_64":
            yield packaged.PROCESSOR, "-march=x86-64", (compiling.FOR_ALL,)
        for level in packaged.LEVELS.get(machine, ()):
            yield level.name, level.flags, compiling.UNITS

    def _compile(self, compiler: list[str], flags: list[str], name: str, units) -> None:
        from alad.native import compiling, packaged

        target = self.folder / (name + packaged.SUFFIX)
        compiling.compile_units(compiler, flags, target, units)
