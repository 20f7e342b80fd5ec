"""What README and docs/ name is there: options, benchmarks, scripts, packages."""

import importlib.util
import re
from pathlib import Path

import pytest
from markdown_pages import (
    CODE,
    DOCS,
    EXPERIMENTS,
    FENCE,
    PAGES,
    README,
    ROOT,
    name_of,
    prose_of,
    text_of,
)

import alad
from alad import cli
from alad.benchmark import BENCHMARKS

PACKAGE = Path(alad.__file__).parent
VERBS = ("fit", "score", "calibrate", "explain", "report", "compare", "detectors", "info")
VERBS = (*VERBS, "bench", "demo", "export")


@pytest.fixture
def options(capsys, monkeypatch) -> dict[str, set[str]]:
    """Of each verb, those that its help names."""
    monkeypatch.setenv("COLUMNS", "200")
    found = {}
    for verb in VERBS:
        assert cli.run([verb, "--help"]) == 0
        found[verb] = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    return found


def said(page: Path) -> list[str]:
    """Code on a page: in a line of text, and each line of a shell block."""
    blocks = [text for _, language, text in FENCE.findall(text_of(page)) if language == "sh"]
    lines = [line for text in blocks for line in text.replace("\\\n", " ").splitlines()]
    return CODE.findall(prose_of(page)) + lines


def test_readme_is_short():
    assert len(README.read_text("utf-8").splitlines()) <= 130


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_verbs_and_options_exist(page, options):
    for code in said(page):
        command = re.match(r"alad ([a-z]+)", code)
        if command:
            assert command[1] in VERBS, code
            used = re.findall(r"(?<!\S)--[a-z-]+", code)
            assert [option for option in used if option not in options[command[1]]] == [], code
        elif re.fullmatch(r"--[a-z-]+( \S+)?", code):
            assert any(code.split()[0] in known for known in options.values()), code


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_benchmarks_and_scripts_exist(page):
    for code in said(page):
        named = re.match(r"alad bench((?: [a-z0-9][a-z0-9-]*)+)", code)
        names = named[1].split() if named else []
        assert {name.removesuffix("-quick") for name in names} <= {*BENCHMARKS, "paper", "speed"}, (
            code
        )
        for script in re.findall(r"(?:benchmarks|tools|tests)/\w+(?:/\w+)*\.py", code):
            text = (ROOT / script).read_text("utf-8")
            used = re.findall(r"(?<!\S)--[a-z-]+", code)
            assert [option for option in used if option not in text] == [], code


def test_the_log_strikes_what_was_replaced():
    assert "~~" in EXPERIMENTS.read_text("utf-8")


def test_readme_names_every_package():
    named = set(re.findall(r"^\| `(\w+)/?`", README.read_text("utf-8"), re.MULTILINE))
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= named


@pytest.mark.parametrize("tool", ["cli_reference", "parameters_reference"])
def test_what_is_written_from_the_source_is_up_to_date(tool):
    spec = importlib.util.spec_from_file_location(tool, ROOT / "tools" / f"{tool}.py")
    assert spec and spec.loader
    written = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(written)
    assert written.PAGE.read_text("utf-8") == written.page(), f"run python tools/{tool}.py"


def test_parameters_on_the_page_of_python_exist():
    page = (DOCS / "reference" / "api.md").read_text("utf-8")
    table = page.split("## Parameters")[1].split(":::")[0]
    named = [
        name
        for row in re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)
        for name in row.split(", ")
    ]
    assert named and {name.strip("`") for name in named} <= alad.ALAD().get_params().keys()
