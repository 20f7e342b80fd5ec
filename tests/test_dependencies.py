"""Licences and known vulnerabilities of what alad depends on, without asking anybody."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def tool() -> ModuleType:
    path = Path(__file__).parent.parent / "tools" / "dependencies.py"
    spec = importlib.util.spec_from_file_location("dependencies", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = tool()


@pytest.mark.parametrize(
    ("described", "classifiers", "expected"),
    [
        ({"License-Expression": "MIT"}, [], {"MIT"}),
        ({"License-Expression": "(Apache-2.0 OR MIT) AND 0BSD"}, [], {"Apache-2.0", "MIT", "0BSD"}),
        ({"License": "BSD 3-Clause License\n\nCopyright"}, [], {"BSD-3-Clause"}),
        ({"License": "?"}, ["License :: OSI Approved :: MIT License"], {"MIT"}),
        ({"License": "GPL-3.0"}, [], {"GPL-3.0"}),
        ({}, ["Topic :: Security"], {"none named"}),
    ],
)
def test_licences_as_packages_write_them(described, classifiers, expected):
    assert TOOL.licences(described, classifiers) == expected


class Package:
    """What is known of an installed package."""

    def __init__(self, licence: str, version: str = "1.0") -> None:
        self.version = version
        self.metadata = type("Metadata", (dict,), {"get_all": dict.get})({"License": licence})


def test_a_licence_that_is_not_allowed_is_told_of():
    given = {"good": Package("MIT"), "strict": Package("GPL-3.0"), "nvidia-x": Package("Theirs")}
    assert TOOL.licence_problems(given) == ["strict 1.0: licence GPL-3.0"]


def test_dependencies_of_dependencies_are_found():
    runtime, developers = TOOL.packages([]), TOOL.packages(["dev"])
    assert {"numpy", "torch", "rich", "markdown-it-py"} <= runtime.keys()
    assert "pytest" not in runtime and "pytest" in developers


def test_no_licence_of_an_installed_dependency_is_a_problem():
    assert TOOL.licence_problems(TOOL.packages(["dev"])) == []


def test_a_vulnerability_is_told_of_with_its_cure():
    def ask(lines):
        bad = [{"id": "CVE-1", "fix_versions": ["1.1"]}]
        names = (line.split("==") for line in lines)
        return [{"name": n, "version": v, "vulns": bad if n == "b" else []} for n, v in names]

    given = {"a": Package("MIT"), "b": Package("MIT", "1.0+cpu"), "c": Package("MIT")}
    problems, said = TOOL.audit(given, ask)
    assert problems == ["b 1.0: CVE-1, mended in 1.1"]
    assert said == "3 packages audited, 0 without an answer"


@pytest.mark.parametrize("answer", ["timed out", [{"name": "a", "skip_reason": "not found"}]])
def test_without_an_answer_nothing_more_is_asked(answer):
    asked = []

    def ask(lines):
        asked.append(lines)
        return answer

    problems, said = TOOL.audit({"a": Package("MIT"), "b": Package("MIT")}, ask)
    assert problems == [] and said.startswith("not audited: ") and "\n" not in said
    assert asked == [["a==1.0"]]
