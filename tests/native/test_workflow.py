"""The workflow that builds all wheels: what it says is what the build and the releases know.

Where `cibuildwheel` is installed it reads the settings too; it builds nothing here.
"""

import importlib.util
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RUNNERS = {  # of the workflow -> cibuildwheel's platform, processor, and name of a build there
    "ubuntu-24.04": ("linux", "x86_64", "cp313-manylinux_x86_64"),
    "ubuntu-24.04-arm": ("linux", "aarch64", "cp313-manylinux_aarch64"),
    "macos-15": ("macos", "arm64", "cp313-macosx_arm64"),
    "windows-2025": ("windows", "AMD64", "cp313-win_amd64"),
    "windows-11-arm": ("windows", "ARM64", "cp313-win_arm64"),
}


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    text = (ROOT / ".github" / "workflows" / "wheels.yml").read_text("utf-8")
    return yaml.safe_load(text)["jobs"]


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["cibuildwheel"]


def test_each_system_builds_the_wheel_that_the_release_names(jobs, settings, targets):
    assert jobs["wheels"]["strategy"]["matrix"]["os"] == list(RUNNERS)
    asked = [
        [
            override["environment"]["ALAD_WHEEL"]
            for override in settings["overrides"]
            if fnmatch(build, override["select"])
        ]
        for _, _, build in RUNNERS.values()
    ]
    assert asked == [[name] for name in targets]


@pytest.fixture(scope="module")
def targets() -> dict[str, Any]:
    """The systems that hatch_build.py knows."""
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hatch_build"] = module  # its dataclass looks there
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["hatch_build"]
    return module.TARGETS


def test_what_was_built_is_checked_and_kept(jobs):
    assert jobs["check"]["needs"] == "wheels"
    commands = [step.get("run", "") for step in jobs["check"]["steps"]]
    assert "python -m twine check --strict dist/*" in commands
    every = [step for job in jobs.values() for step in job["steps"]]
    uploads = [step for step in every if step.get("uses", "").startswith("actions/upload-artifact")]
    assert [step["with"]["path"] for step in uploads] == ["wheelhouse/*.whl", "dist/*"]


def test_no_secret_is_needed_and_nothing_may_be_written(jobs):
    text = (ROOT / ".github" / "workflows" / "wheels.yml").read_text("utf-8")
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    assert "secrets." not in text and not any("permissions" in job for job in jobs.values())


@pytest.mark.parametrize("runner", RUNNERS)
def test_cibuildwheel_builds_one_wheel_on_each_system(runner):
    pytest.importorskip("cibuildwheel")
    platform, processor, build = RUNNERS[runner]
    command = [sys.executable, "-m", "cibuildwheel", "--platform", platform, "--archs", processor]
    run = subprocess.run(
        [*command, "--print-build-identifiers", str(ROOT)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [build]
