"""The demo with pictures: what it writes and shows, fast; what it promises, slow."""

import json

import pytest
from pages import Parsed

from alad import cli, picture_demo
from alad.benchmark.data.drawn_textures import good_pictures, new_pictures
from alad.picture_demo import CONTENDERS, compare


@pytest.fixture
def quick(monkeypatch):
    """The demo with few pictures, few contenders, next to no training."""
    monkeypatch.setattr(picture_demo, "LEARNT", 24)
    monkeypatch.setattr(picture_demo, "GOOD", 4)
    monkeypatch.setattr(picture_demo, "SPOILT", 6)
    monkeypatch.setattr(picture_demo, "FALSE_ALARM_RATE", None)
    first = picture_demo.Contender("ALAD", "alad", {**picture_demo.WINDOWS, "max_steps": 3})
    monkeypatch.setattr(picture_demo, "CONTENDERS", (first, *CONTENDERS[2:6]))


def test_the_demo_writes_pictures_a_model_and_a_page(quick, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["demo", "--pictures"]) == 0
    out, err = capsys.readouterr()
    folder = tmp_path / "alad-demo-pictures"
    assert {path.name for path in folder.iterdir()} == {"good", "new", "model", "report.html"}
    assert {path.name for path in (folder / "new").iterdir()} == {
        "good",
        "scratch",
        "spot",
        "missing-part",
    }
    assert len(list(folder.glob("good/*.png"))) == 24
    assert "fitting ALAD" in err and "k nearest neighbours, windows" in out
    page = Parsed((folder / "report.html").read_text("utf-8"))
    assert page.outside() == [] and "Against the labels" in page.text and "6 of 10" in page.text
    scored = "score alad-demo-pictures/model alad-demo-pictures/new -o scored.csv -q"
    assert scored.removesuffix(" -q") in out and cli.run(scored.split()) == 0
    assert cli.run(["demo", "--pictures", "--json", "-q"]) == 0  # its own files it replaces
    found = json.loads(capsys.readouterr().out)
    assert [one["map_title"] for one in found["outcomes"]][-1] == ""
    assert 0.5 < found["outcomes"][1]["pixel_auroc"] <= 1  # k-NN on windows


def test_the_files_of_others_are_left_alone(tmp_path, capsys):
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "000.png").write_bytes(b"mine")
    assert cli.run(["demo", "--pictures", "-o", str(tmp_path)]) == 2
    assert "holds good of others; choose another with -o" in capsys.readouterr().err
    assert (tmp_path / "good" / "000.png").read_bytes() == b"mine"


@pytest.mark.slow
def test_alad_on_windows_is_ahead_of_its_untrained_self_and_of_pixels():
    """The demo's own promise, on other pictures than it draws."""
    learnt = good_pictures("weave", 200, 64, seed=11)
    new = new_pictures("weave", 60, 60, 64, seed=12)
    outcomes = {
        one.title: compare(one, learnt, new)[0]
        for one in (*CONTENDERS[:3], CONTENDERS[4], CONTENDERS[6])
    }
    windows, untrained, neighbours, nearest, residual = outcomes.values()
    assert windows.auroc > max(untrained.auroc, neighbours.auroc) and windows.auroc > 0.95
    assert windows.pixel_auroc is not None and windows.pixel_auroc > 0.98
    assert nearest.pixel_auroc is not None and nearest.pixel_auroc < windows.pixel_auroc - 0.03
    assert residual.pixel_auroc is not None and residual.pixel_auroc < windows.pixel_auroc - 0.03
