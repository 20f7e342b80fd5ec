"""Tables say what they are given; pictures are whole or absent."""

import builtins
import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from pages import Parsed

from alad import report
from alad.benchmark import Result, Spread
from alad.benchmark.published import Published
from alad.benchmark.results import results_tables
from alad.benchmark.summary import mean_and_sd
from alad.demo import most_anomalous
from alad.detector.attribution import Explanation
from alad.errors import InputError
from alad.report.tables import Cell, Table, number_in

MEASURES = ("precision", "recall", "f1", "auroc", "average_precision")


def row(detector: str, **changes) -> Result:
    spreads = {name: Spread(0.9501, 0.0018, 10) for name in MEASURES}
    settings = {
        "benchmark": "kdd99",
        "protocol": "paper",
        "detector": detector,
        "trained": True,
        "measures": spreads,
        "ensemble": {name: 0.9534 for name in MEASURES},
        "fit_seconds": 12.34,
        "score_seconds": 1.0,
        "published": None,
        "notes": (),
    }
    return Result(**{**settings, **changes})


def shown(capsys, *parts) -> str:
    report.show(*parts)
    return capsys.readouterr().out


def explained(rows: int = 3) -> Explanation:
    """Score 9, 8, …; the area raises it three times as much as the radius."""
    given = np.repeat([[1.0, 3.0]], rows, axis=0)
    cells = [[1.5, 2.5]] * rows
    return Explanation(
        ("radius", "area"),
        cells,
        cells,
        given,
        9.0 - np.arange(rows),
        np.ones(rows),
        np.zeros((rows, 2), bool),
    )


def test_benchmark_table_shows_numbers_published_ones_and_notes_once(capsys):
    number = Published("kdd99", "ALAD", f1=0.9501, sd=0.0018, status="verified")
    both = {"published": number, "notes": ("cannot be right", "no SN")}
    rows = [row("knn"), row("alad", **both), row("alad+dl", notes=("no SN",))]
    text = shown(capsys, *results_tables(rows))
    assert "kdd99, protocol paper" in text
    assert "0.9501 ± 0.0018" in text and "0.9534" in text and "12.3" in text
    assert [line.split("│")[-2].strip() for line in text.splitlines() if "│ alad" in line] == [
        "1, 2",
        "2",
    ]
    assert text.count("no SN") == 1 and "(1) cannot be right" in text


def test_each_protocol_has_its_table_and_failed_rows_are_shown(capsys):
    failed = row("knn", protocol="clean", measures={}, ensemble=None, notes=("failed: boom",))
    parts = results_tables([row("knn"), failed])
    text = shown(capsys, *parts)
    assert "protocol paper" in text and "protocol clean" in text and "(1) failed: boom" in text


def test_no_name_is_cut_where_there_is_no_terminal(capsys):
    name = "a-very-long-name-of-a-detector" * 2
    assert name in shown(capsys, *results_tables([row(name)]))


def test_brackets_in_names_are_text(capsys):
    text = shown(capsys, Table("[i]z", ("[bold]x",), [("[red]y",)], ["[u]w"]), "[b]line")
    assert [
        part for part in ("[bold]x", "[red]y", "[i]z", "[u]w", "[b]line") if part not in text
    ] == []


def test_mean_and_sd():
    assert Spread(0.5, 0.25, 2).text() == "0.5000 ± 0.2500"
    assert Spread(0.5, None, 1).text() == "0.5000"
    assert mean_and_sd(None) == ""


def test_top_table_names_the_columns_that_raise_the_score_most_first(capsys):
    text = shown(capsys, most_anomalous(["malignant", "benign"], explained()))
    first, second = (line for line in text.splitlines() if "radius" in line)
    assert "9.000" in first and "malignant" in first
    assert first.index("area 75 %") < first.index("radius 25 %")
    assert "8.000" in second and "benign" in second


def picture(path: Path, scores: dict[str, np.ndarray]) -> bytes:
    report.draw(path, scores, 0.5, explained(20), "title")
    return path.read_bytes()


@pytest.mark.parametrize(
    "scores",
    [
        {"normal": np.array([0.1, 0.2]), "anomalous": np.array([3.0, 1e6])},
        {"normal": np.array([-1.0, 0.0]), "anomalous": np.array([2.0])},
        {"all alike": np.zeros(3)},
        {"no row": np.zeros(0), "one row": np.ones(1)},
    ],
    ids=["long tail", "negative", "constant", "empty group"],
)
def test_draw_writes_a_png(tmp_path, scores):
    pytest.importorskip("matplotlib")
    assert picture(tmp_path / "a.png", scores).startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_pictures_of_different_scores_differ(tmp_path):
    pytest.importorskip("matplotlib")
    one = picture(tmp_path / "a.png", {"x": np.array([1.0, 2.0, 3.0])})
    two = picture(tmp_path / "b.png", {"x": np.array([1.0, 1.0, 3.0])})
    assert one != two


def test_draw_leaves_the_pyplot_state_alone(tmp_path):
    pytest.importorskip("matplotlib")
    sys.modules.pop("matplotlib.pyplot", None)
    picture(tmp_path / "a.png", {"x": np.ones(2)})
    assert "matplotlib.pyplot" not in sys.modules


def test_draw_to_a_missing_folder_is_refused(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(InputError, match="cannot be written"):
        picture(tmp_path / "nowhere" / "a.png", {"x": np.ones(2)})


def test_without_matplotlib_draw_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(report.picture, "find_spec", lambda name: None)
    assert not report.can_draw()
    with pytest.raises(InputError, match=r"pip install 'alad\[report\]'"):
        picture(tmp_path / "a.png", {"x": np.ones(2)})
    assert list(tmp_path.iterdir()) == []


def test_report_itself_does_not_need_matplotlib(monkeypatch):
    usual = builtins.__import__

    def without(name, *args, **how):
        assert not name.startswith("matplotlib")
        return usual(name, *args, **how)

    monkeypatch.setattr(builtins, "__import__", without)
    assert results_tables([row("knn")])


# --- one table, three writers ---------------------------------------------------------------------

MARKED = Table(
    "Numbers",
    ("detector", "AUROC", "published", "seen as"),
    [
        ("knn", Cell("0.9", mark="best"), Cell("0.8", mark="published"), Cell("flagged", 1.0)),
        ("a|b", "1,234.5*", "", Cell("passed", 0.0, "calm")),
    ],
    ["why"],
    left=(0, 3),
)


def test_markdown_has_sides_escaped_names_and_numbered_notes():
    assert MARKED.markdown().splitlines() == [
        *("*Numbers*", "", "| detector | AUROC | published | seen as |"),
        *("| --- | ---: | ---: | --- |", "| knn | 0.9 | 0.8 | flagged |"),
        *(r"| a\|b | 1,234.5\* |  | passed |", "", "1. why"),
    ]


def test_a_page_sorts_by_values_and_shows_marks():
    page = Parsed(MARKED.html())
    cells = page.all("td")
    assert [cell["data-order"] for cell in cells] == ["0.9", "0.8", "1", "1234.5", "-inf", "0"]
    classes = [cell.get("class") for cell in cells]
    assert classes == ["number best", "number published", None, "number", "number", None]
    assert [each["class"] for each in page.all("span")] == ["flag calm"]
    assert len(page.all("li")) == 1 and "2 rows" in page.text
    still = Parsed(dataclasses.replace(MARKED, live=False).html())
    assert not still.all("button") and not still.all("input")


def test_a_terminal_shows_the_same_texts_and_notes(capsys):
    text = shown(capsys, MARKED)
    for row in MARKED.texts():
        assert any(all(cell in line for cell in row) for line in text.splitlines())
    assert "  (1) why" in text


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.9 ± 0.1", 0.9), ("-0.5", -0.5), ("1 to 3", 1), ("not measured yet", None), ("+0.1*", 0.1)],
)
def test_a_cell_is_sorted_by_the_number_that_it_begins_with(text, value):
    assert number_in(text) == value


def test_the_best_of_a_column_is_marked():
    table = results_tables([row("knn"), row("alad", measures={"f1": Spread(0.99, None, 1)})])[0]
    marks = [[at for at, cell in enumerate(own) if isinstance(cell, Cell) and cell.mark == "best"]
             for own in table.rows]  # fmt: skip
    assert 2 in marks[1] and 2 not in marks[0]
