"""The page in a real browser: a silent console, sorting and searching, our script alone runs.

Needs Chromium; the other tests read the page with a parser.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import alad
from alad.report.model_page import model_page

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here: apt install chromium")

ACT = """
const table = document.querySelector("table.live");
const heads = [...table.tHead.rows[0].cells];
const at = heads.findIndex((head) => head.textContent.trim() === "score");
const scores = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[at].dataset.order));
const shown = () => [...table.tBodies[0].rows].filter((row) => row.offsetParent !== null).length;
const button = heads[at].querySelector("button");
button.click();
const upwards = scores();
const sorted = heads[at].getAttribute("aria-sort");
button.click();
const downwards = scores();
const field = document.querySelector("input[type=search]");
field.value = "flagged ROW-4";
field.dispatchEvent(new Event("input"));
const found = { upwards, downwards, sorted, all: table.tBodies[0].rows.length, shown: shown(),
  count: document.querySelector("output").textContent,
  wide: document.documentElement.scrollWidth > document.documentElement.clientWidth };
document.title = JSON.stringify(found);
"""


def browse(page: Path, width: int = 1100) -> tuple[str, list[str]]:
    """The document after its scripts have run, and what they said on the console."""
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    profile = f"--user-data-dir={page.parent / 'profile'}"
    size = f"--window-size={width},900"
    command = [str(BROWSER), *flags, profile, size, "--dump-dom", page.as_uri()]
    environment = {**os.environ, "HOME": str(page.parent)}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    return run.stdout, re.findall(r"CONSOLE.*?\] (.*)", run.stderr)


@pytest.fixture(scope="module")
def page() -> str:
    generator = np.random.default_rng(0)
    rows = pa.table({"id": [f"row-{at}" for at in range(50)], "a": generator.normal(size=50)})
    detector = alad.KNN(drop=("id",)).fit(rows)
    return model_page(detector, rows, np.arange(50) > 45).html()


def test_a_page_runs_without_a_message_on_the_console(page, tmp_path):
    (tmp_path / "p.html").write_text(page, "utf-8")
    document, console = browse(tmp_path / "p.html")
    assert console == [] and "Most anomalous rows (50)" in document
    assert 'class="search" hidden' not in document  # so the script ran


def test_any_other_script_is_stopped(page, tmp_path):
    hostile = page.replace("</main>", "<script>document.title = 'taken'</script></main>")
    (tmp_path / "p.html").write_text(hostile, "utf-8")
    document, console = browse(tmp_path / "p.html")
    assert "<title>taken" not in document and "<title>Anomaly report" in document
    assert any("Content Security Policy" in line for line in console)


@pytest.mark.parametrize("width", [1100, 500])
def test_sorting_and_searching(page, tmp_path, width):
    free = re.sub(r"<meta http-equiv[^>]*>", "", page)  # so that this test may add its script
    acted = free.replace("</body>", f"<script>{ACT}</script></body>")
    (tmp_path / "p.html").write_text(acted, "utf-8")
    document, console = browse(tmp_path / "p.html", width)
    title = re.search(r"<title>(.*?)</title>", document)
    assert console == [] and title
    found = json.loads(title[1])
    assert found["upwards"] == sorted(found["upwards"]) and found["all"] == 50
    assert found["downwards"] == sorted(found["upwards"], reverse=True)
    assert found["sorted"] == "ascending" and not found["wide"]
    assert found["count"] == f"{found['shown']} of 50 rows" and found["shown"] < 12
