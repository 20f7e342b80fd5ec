"""The benchmarks' page: the same numbers in Markdown and HTML, nothing from elsewhere."""

from xml.etree import ElementTree

import numpy as np
import pytest
from pages import Parsed

from alad import metrics
from alad.benchmark import Result, Spread
from alad.benchmark.page import (
    ablation_chart,
    ablation_sections,
    benchmark_page,
    comparison_chart,
    results_sections,
    timing_chart,
)
from alad.benchmark.published import Published
from alad.benchmark.summary import OTHER_PROTOCOL
from alad.errors import InputError
from alad.report.charts.bars import Estimate
from alad.report.charts.curves import precision_recall_chart, roc_chart
from alad.report.page_parts import Figures, Section, Text
from alad.report.tables import Table

MEASURES = ("precision", "recall", "f1", "auroc", "average_precision")


def row(detector: str, f1: float = 0.9, **changes) -> Result:
    settings = {
        "benchmark": "kdd99",
        "protocol": "paper",
        "detector": detector,
        "trained": True,
        "measures": {name: Spread(f1, 0.01, 10) for name in MEASURES},
        "ensemble": None,
        "fit_seconds": 12.34,
        "score_seconds": 1.0,
        "published": None,
        "notes": (),
    }
    return Result(**{**settings, **changes})


@pytest.fixture
def written(tmp_path):
    number = Published("kdd99", "ALAD", f1=0.9501, sd=0.0018, status="verified")
    rows = [
        row("alad", 0.9412, published=number, notes=("cannot <be> right",)),
        row("alad+dl", 0.7),
        row("knn", protocol="clean", measures={}, notes=("failed: boom | <script>",)),
    ]
    extra = [Section("More", [Text("said *here*")])]
    benchmark_page(tmp_path / "paper", "The paper & us", "Lead.", rows, extra, foot="the end")
    return tmp_path / "paper"


def test_both_pages_hold_numbers_notes_and_extra_sections(written):
    markdown = (written / "README.md").read_text("utf-8")
    page = Parsed((written / "index.html").read_text("utf-8"))
    for word in ("0.9412 ± 0.0100", "0.9501 ± 0.0018", "The paper & us", "the end"):
        assert word in markdown and word in page.text
    assert "cannot <be> right" in page.text and "failed: boom | <script>" in page.text
    assert r"failed: boom \| \<script\>" in markdown and r"said \*here\*" in markdown


def test_html_is_alone_and_its_names_are_unique(written):
    page = Parsed((written / "index.html").read_text("utf-8"))
    assert page.outside() == [] and len(page.all("script")) == 1
    assert len(set(page.ids())) == len(page.ids())
    links = {(each["href"] or "")[1:] for each in page.all("a")}
    assert links <= set(page.ids())


def test_figures_of_the_markdown_exist_and_are_drawings(written):
    markdown = (written / "README.md").read_text("utf-8")
    linked = {part.split(")")[0] for part in markdown.split("](figures/")[1:]}
    assert linked == {path.name for path in (written / "figures").iterdir()} and linked
    for name in linked:
        ElementTree.parse(written / "figures" / name)


def test_comparison_and_ablation_say_ours_and_published():
    published = Published("kdd99", "Baseline", f1=0.955, sd=0.007, status="verified")
    rows = [row("alad-baseline", 0.8, published=published), row("alad+sn", 0.85), row("knn")]
    told = comparison_chart("t", rows).description
    assert "alad-baseline: measured here 0.800, published 0.955." in told and "knn" in told
    told = ablation_chart("t", rows).description
    assert "alad+sn: measured here 0.850." in told and "knn" not in told


def test_a_number_of_another_protocol_is_not_drawn_beside_ours():
    number = Published("kdd99", "ALAD", f1=0.95, sd=0.002, status="verified")
    own = row("alad", 0.7, published=number, notes=(OTHER_PROTOCOL,))
    assert "published" not in comparison_chart("t", [own]).description
    titles = [
        chart.title for block in results_sections([own])[0].blocks for chart in block.charts()
    ]
    assert titles == ["F1, kdd99, protocol paper"]


def test_rows_with_a_published_number_have_a_chart_of_their_own():
    number = Published("kdd99", "ALAD", f1=0.95, sd=0.002, status="verified")
    rows = [row("alad", 0.9, published=number), row("knn", 0.8), row("alad+sn", 0.85)]
    blocks = results_sections(rows)[0].blocks
    charts = [chart for block in blocks for chart in block.charts()]
    assert ["alad: measured here 0.900, published 0.950." in one.description for one in charts] == [
        True,
        False,
    ]
    assert "knn: measured here 0.800." in charts[1].description
    (section,) = ablation_sections(rows)
    assert [chart.title for chart in section.blocks[1].charts()] == [
        "Ablation on kdd99, protocol paper"
    ]
    assert ablation_sections(rows[:2]) == []


def test_near_the_corner_false_alarms_are_drawn_on_a_logarithmic_axis():
    curve = metrics.Curve(np.array([0, 0.01, 1]), np.array([0, 0.9, 1.0]))
    near = roc_chart("t", {"a": curve}, corner=True)
    assert "logarithmic" in near.description and "0.1 %" in near.body
    assert "logarithmic" not in roc_chart("t", {"a": curve}).description


def test_curves_and_timing_are_drawn():
    scores, labels = np.arange(8.0), np.array([0, 0, 1, 0, 1, 0, 1, 1])
    roc, pr = metrics.roc(scores, labels), metrics.precision_recall(scores, labels)
    assert "alad: from 0 % to 100 %" in roc_chart("t", {"alad": roc}).description
    told = precision_recall_chart("t", {"alad": pr}, 0.5).description
    assert "alad: from 100 % to 50 %" in told and "chance: from 50 % to 50 %" in told
    pair = {"ALAD": (Estimate(0.5), Estimate(1.4)), "AnoGAN": (Estimate(700.0), None)}
    chart = timing_chart("t", pair)
    assert "AnoGAN: measured here 700." in chart.description
    assert Figures([chart]).html().count("<svg") == 1


def test_a_table_sorts_by_its_numbers():
    table = Table("T", ("detector", "AP"), [("knn", "0.5 (1)"), ("<b>", "")], ("why",))
    page = Parsed(table.html())
    assert [cell["data-order"] for cell in page.all("td")] == ["0.5", "-inf"]
    assert "<b>" in page.text and "why" in page.text


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another folder"):
        benchmark_page(tmp_path / "file", "t", "l", [])
