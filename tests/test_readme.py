"""What the README says is so."""

import re
from pathlib import Path

import pytest

from alad import cli
from alad.benchmark import BENCHMARKS

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_python_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    example = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(example) == 1
    exec(compile(example[0], str(README), "exec"), {})
    assert "-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "verb", ["fit", "score", "calibrate", "explain", "report", "compare", "info", "bench", "demo"]
)
def test_options_in_the_table_of_verbs_exist(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| `alad {verb}"))
    assert cli.run([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert [option for option in re.findall(r"--[a-z-]+", line) if option not in shown] == []


def test_benchmarks_exist():
    named = re.search(r"alad bench ([a-z0-9 ]+)`", TEXT)
    assert named and set(named[1].split()) <= BENCHMARKS.keys()
