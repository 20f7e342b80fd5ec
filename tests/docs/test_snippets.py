"""Every block of Python, and every `alad` command, of README and docs/ runs.

Blocks of a page run in their order, in one namespace and one empty folder, which holds the small
tables below. A block that is not run says why in a comment before it: <!-- not run: hours -->
"""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_pages import DOCS, PAGES, README, ROOT, Block, blocks_of, name_of

from alad import cli

RUN = [page for page in PAGES if page == README or page.is_relative_to(DOCS)]
RUN = [page for page in RUN if any(block.language in ("python", "sh") for block in blocks_of(page))]
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Rows of six columns that hang together, one a category, with holes; labels in table.csv."""
    generator = np.random.default_rng(0)
    normal, new, more = (rows(generator, n) for n in (300, 40, 60))
    new.loc[4, "a"] = -new.loc[4, "a"] + 6.0  # fits no longer to the others
    normal.to_csv(tmp_path / "normal.csv", index=False)
    new.to_csv(tmp_path / "new.csv", index=False)
    more.to_csv(tmp_path / "more.csv", index=False)
    odd = rows(generator, 20).assign(label=1)
    odd["a"] = odd["a"].sample(frac=1, random_state=0).to_numpy()
    pd.concat([normal.assign(label=0), odd]).to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "results").mkdir()
    for name in ("kdd99", "arrhythmia"):  # a copy: nothing of what is measured can be changed
        shutil.copy(ROOT / "results" / f"{name}.jsonl", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(generator: np.random.Generator, n: int) -> pd.DataFrame:
    a, b = generator.normal(size=(2, n))
    noise = generator.normal(0, 0.05, size=(3, n))
    table = pd.DataFrame({"a": a, "b": b, "c": a + b, "d": a * b, "e": a - b}).round(4)
    table[["c", "d", "e"]] += noise.T.round(4)
    table["kind"] = np.where(a > 0, "up", "down")
    table.loc[generator.random(n) < 0.05, "e"] = np.nan
    return table


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_blocks_run(page, folder, capsys):
    namespace: dict[str, object] = {"__name__": "__main__"}
    for number, block in enumerate(blocks_of(page), 1):
        if not block.unrun:
            run(block, f"{name_of(page)}, block {number}", namespace)


def run(block: Block, place: str, namespace: dict[str, object]) -> None:
    if block.language == "python":
        exec(compile(block.text, place, "exec"), namespace)
    elif block.language == "sh":
        for words in commands(block.text):
            assert cli.run(words[1:]) == 0, f"{place}: {shlex.join(words)}"


def commands(text: str) -> list[list[str]]:
    """The `alad` commands of a block, as words."""
    lines = text.replace("\\\n", " ").splitlines()
    split = [shlex.split(line, comments=True) for line in lines]
    return [words for words in split if words and words[0] == "alad"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_block_that_is_not_run_says_why(page):
    for block in blocks_of(page):
        assert not block.marked or len(block.unrun) > 5
        assert block.language, "name the block's language: text, python, sh, …"
        made = re.findall(r"^make (\w+)", block.text, re.MULTILINE)
        assert block.language != "sh" or set(made) <= TARGETS


def test_a_wrong_block_is_seen(folder):
    with pytest.raises(ZeroDivisionError):
        run(Block("python", "1 / 0\n", "", False), "here", {})
    with pytest.raises(AssertionError, match="alad fit"):
        run(Block("sh", "alad fit nothing.csv -o model\n", "", False), "here", {})
