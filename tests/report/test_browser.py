"""Pages of a table and of pictures in a real browser, for the eye, a finger, keys and paper.

Needs Chromium; the other tests read the page with a parser.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from chromium import PROGRAM, Browser, browser

import alad
from alad.report.model.page import model_page

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here: apt install chromium")
WIDTHS = pytest.mark.parametrize("width", [1100, 390, 320])

ROWS = '[...document.querySelector("table.live").tBodies[0].rows]'
SHOWN = f"{ROWS}.filter((row) => row.offsetParent !== null).length"
COUNT = 'document.querySelector("output").textContent'
HEADS = '[...document.querySelector("table.live").tHead.rows[0].cells]'
AT = f'{HEADS}.findIndex((head) => head.textContent.trim() === "score")'
SCORES = f"{ROWS}.map((row) => Number(row.cells[{AT}].dataset.order))"
FOCUSED = "document.activeElement.textContent.trim()"
JUTS_OUT = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def of_a_table() -> str:
    generator = np.random.default_rng(0)
    names = [f"row-{at}" for at in range(50)]
    rows = pa.table({"id": names, "a": generator.normal(size=50), "b": ["w" * 70] * 50})
    detector = alad.KNN(drop=("id",)).fit(rows)
    return model_page(detector, rows, np.arange(50) > 45).html()


def of_pictures() -> str:
    generator = np.random.default_rng(0)
    usual, new = (
        generator.integers(90, 130, (count, 24, 40, 3)).astype(np.uint8) for count in (300, 40)
    )
    new[-4:, :9, :9] = 255
    detector = alad.KNN(random_state=0).fit(usual)
    return model_page(detector, new, false_alarm_rate=0.05).html()


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module", params=[of_a_table, of_pictures])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "p.html"
    path.write_text(request.param(), "utf-8")
    return path


@WIDTHS
def test_it_fits_its_script_ran_and_the_console_is_silent(tab: Browser, page: Path, width: int):
    tab.open(page, width)
    assert tab.run('document.querySelector(".search").hidden') is False
    assert not tab.run(JUTS_OUT)
    assert tab.run("[...document.images].every((image) => image.naturalWidth > 0)")
    tops = "new Set([...document.images].slice(0, 3).map((image) => image.offsetTop)).size"
    assert tab.run(tops) <= 1  # an image, what is expected and its heat stand side by side
    assert tab.console == []


@WIDTHS
def test_titles_of_tables_are_read_without_scrolling(tab: Browser, page: Path, width: int):
    tab.open(page, width)
    titles = "[...document.querySelectorAll('caption')]"
    rights = f"{titles}.map((title) => Math.round(title.getBoundingClientRect().right))"
    if width < 640:
        assert max(tab.run(rights)) <= width


@WIDTHS
def test_grids_of_images_fit(tab: Browser, tmp_path: Path, width: int):
    """Reconstructions, and what a generator makes of random codes."""
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    how = {"architecture": {"latent": 4, "width": 4}, "batch_size": 8, "random_state": 0}
    detector = alad.BiGAN(max_steps=1, **how).fit(images)
    (tmp_path / "p.html").write_text(model_page(detector, images, top=1).html(), "utf-8")
    tab.open(tmp_path / "p.html", width)
    assert not tab.run(JUTS_OUT)
    sides = "[...document.images].slice(3).map((image) => image.width / image.height)"
    assert tab.run(sides) == pytest.approx([394 / 262, 394 / 130], rel=0.02)


def test_any_other_script_is_stopped(tab: Browser, page: Path, tmp_path: Path):
    script = "<script>document.title = 'taken'</script></main>"
    hostile = page.read_text("utf-8").replace("</main>", script)
    (tmp_path / "p.html").write_text(hostile, "utf-8")
    tab.open(tmp_path / "p.html")
    assert tab.run("document.title").startswith("Anomaly report")
    assert any("Content Security Policy" in line for line in tab.console)


@WIDTHS
def test_a_click_on_a_head_sorts(tab: Browser, page: Path, width: int):
    tab.open(page, width)
    before = tab.run(SCORES)
    assert before == sorted(before, reverse=True) and len(set(before)) > 10
    for wanted, backwards in (("ascending", False), ("descending", True)):
        tab.run(f'{HEADS}[{AT}].querySelector("button").click()')
        assert tab.run(SCORES) == sorted(before, reverse=backwards)
        assert tab.run(f'{HEADS}[{AT}].getAttribute("aria-sort")') == wanted


def test_keys_alone_reach_everything_sort_and_search(tab: Browser, page: Path):
    """The link that skips to the content comes first, the search field before the heads."""
    tab.open(page)
    before = tab.run(SCORES)
    tab.press("Tab")
    assert tab.run(FOCUSED) == "Skip to the content"
    tab.press("Enter")
    assert tab.run("document.activeElement.id") == "content"
    reached = []
    for _ in range(40):
        tab.press("Tab")
        reached.append(tab.run("document.activeElement.tagName"))
        if reached[-1] == "INPUT":
            tab.write("flagged")
        if tab.run(FOCUSED) == "score":
            break
    assert reached.count("INPUT") == 1 and reached[-1] == "BUTTON"
    assert "none" not in tab.run("getComputedStyle(document.activeElement).outlineStyle")
    shown, told = tab.run(SHOWN), tab.run(COUNT)
    unit = "rows" if "rows" in told else "images"
    assert 0 < shown < 12 and told == f"{shown} of {len(before)} {unit}"
    tab.press("Enter")
    assert tab.run(SCORES) == sorted(before)


def test_words_are_searched_for_in_any_case_and_all_of_them(tab: Browser, page: Path):
    tab.open(page)
    tab.run('document.querySelector("input").focus()')
    tab.write("FLAGGED nothing-of-this-name")
    assert tab.run(SHOWN) == 0 and tab.run(COUNT).startswith("0 of ")


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_light_and_dark_differ_and_can_be_read(tab: Browser, page: Path, scheme: str, dark: bool):
    """Text stands out from its ground by 4.5 to 1 (WCAG 2.2, AA), wherever there is text."""
    tab.media(scheme=scheme)
    tab.open(page)
    pairs = tab.run(COLOURS)
    tab.media()
    assert (luminance(pairs[0][1]) < 0.2) == dark
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []


COLOURS = """(() => {
  const ground = (one) => {
    const own = getComputedStyle(one).backgroundColor;
    const clear = own === "transparent" || own === "rgba(0, 0, 0, 0)";
    return clear && one.parentElement ? ground(one.parentElement) : own;
  };
  const texts = [...document.body.querySelectorAll("p, h1, h2, a, dt, dd, th, td, span, small, "
    + "caption, figcaption, button, output, label, footer")].filter((one) => !one.closest("svg"));
  return [...new Set(texts.map((one) => `${getComputedStyle(one).color}|${ground(one)}`))]
    .map((pair) => pair.split("|"));
})()"""


def luminance(colour: str) -> float:
    """Relative luminance of "rgb(r, g, b)", 0 to 1 (WCAG 2.2)."""
    parts = np.array([float(part) for part in re.findall(r"[\d.]+", colour)[:3]]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_on_paper_all_rows_are_there_and_no_tools(tab: Browser, page: Path):
    tab.open(page, width=700)
    tab.media("print")
    hidden = 'getComputedStyle(document.querySelector("{}")).display'
    tools = [tab.run(hidden.format(tool)) for tool in ("nav", ".search")]
    scrolled = 'getComputedStyle(document.querySelector(".search+.wide")).maxHeight'
    found = (tools, tab.run(scrolled), tab.run(SHOWN) == tab.run(f"{ROWS}.length"))
    pdf = tab.printed()
    tab.media()
    assert found == (["none", "none"], "none", True)
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b", pdf)) >= 3


def test_what_is_seen_is_no_blank_page(tab: Browser, page: Path):
    image = pytest.importorskip("PIL.Image", reason="reads the screenshot")
    tab.open(page)
    pixels = np.asarray(image.open(io.BytesIO(tab.screenshot())).convert("RGB"))
    assert pixels.shape == (900, 1100, 3) and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50
