"""Tables say what they are given; pictures are whole or absent."""

import builtins
import sys
from pathlib import Path

import numpy as np
import pytest

from alad import report
from alad.benchmark import Spread, TableRow, terminal
from alad.benchmark.published import Published
from alad.detector.attribution import Explanation
from alad.errors import InputError

MEASURES = ("precision", "recall", "f1", "auroc", "average_precision")


def row(detector: str, **changes) -> TableRow:
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
    return TableRow(**{**settings, **changes})


def shown(capsys, *parts) -> str:
    report.show(*parts)
    return capsys.readouterr().out


def explained(rows: int = 3) -> Explanation:
    """Score 9, 8, …; the area raises it three times as much as the radius."""
    given = np.repeat([[1.0, 3.0]], rows, axis=0)
    cells = [[1.5, 2.5]] * rows
    return Explanation(
        ("radius", "area"), cells, cells, given, 9.0 - np.arange(rows), np.ones(rows)
    )


def test_benchmark_table_shows_numbers_published_ones_and_notes_once(capsys):
    number = Published("kdd99", "ALAD", f1=0.9501, sd=0.0018, status="verified")
    both = {"published": number, "notes": ("cannot be right", "no SN")}
    rows = [row("knn"), row("alad", **both), row("alad+dl", notes=("no SN",))]
    text = shown(capsys, *terminal.benchmark_tables(rows))
    assert "kdd99, protocol paper" in text
    assert "0.9501 ± 0.0018" in text and "0.9534" in text and "12.3" in text
    assert [line.split("│")[-2].strip() for line in text.splitlines() if "│ alad" in line] == [
        "1, 2",
        "2",
    ]
    assert text.count("no SN") == 1 and "(1) cannot be right" in text


def test_each_protocol_has_its_table_and_failed_rows_are_shown(capsys):
    failed = row("knn", protocol="clean", measures={}, ensemble=None, notes=("failed: boom",))
    parts = terminal.benchmark_tables([row("knn"), failed])
    text = shown(capsys, *parts)
    assert "protocol paper" in text and "protocol clean" in text and "(1) failed: boom" in text


def test_no_name_is_cut_where_there_is_no_terminal(capsys):
    name = "a-very-long-name-of-a-detector" * 2
    assert name in shown(capsys, *terminal.benchmark_tables([row(name)]))


def test_brackets_in_names_are_text(capsys):
    text = shown(capsys, report.plain_table(("[bold]x",), [("[red]y",)], "[i]z"), "[b]line")
    assert [part for part in ("[bold]x", "[red]y", "[i]z", "[b]line") if part not in text] == []


def test_mean_and_sd():
    assert terminal.mean_and_sd(Spread(0.5, 0.25, 2)) == "0.5000 ± 0.2500"
    assert terminal.mean_and_sd(Spread(0.5, None, 1)) == "0.5000"
    assert terminal.mean_and_sd(None) == ""


def test_top_table_names_the_columns_that_raise_the_score_most_first(capsys):
    text = shown(capsys, report.top_table(["malignant", "benign"], explained(), "Top"))
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
    assert terminal.benchmark_tables([row("knn")])
