"""Folders of labelled pictures: who learns from which, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from pages import Parsed
from PIL import Image

import alad
from alad.benchmark.division import ALL, BY_FOLDER, HALF
from alad.cli import run


def put(folder: Path, count: int, bad: bool = False) -> None:
    """Write grey noise of 8 × 8 pixels, dark; bad: bright."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(len(str(folder)))
    for at in range(count):
        pixels = generator.integers(0, 40, (8, 8)) + (200 if bad else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{at:03}.png")


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    put(tmp_path / "parts" / "Good", 40)
    put(tmp_path / "parts" / "bad" / "scratch", 6, bad=True)
    return tmp_path / "parts"


@pytest.fixture
def bottle(tmp_path: Path) -> Path:
    """The layout of MVTec AD, masks included."""
    put(tmp_path / "bottle" / "train" / "good", 30)
    put(tmp_path / "bottle" / "test" / "good", 8)
    put(tmp_path / "bottle" / "test" / "broken", 5, bad=True)
    put(tmp_path / "bottle" / "ground_truth" / "broken", 5, bad=True)
    return tmp_path / "bottle"


def compared(folder: Path, capsys, *more: str) -> dict:
    capsys.readouterr()
    assert run(["compare", str(folder), "--detector", "knn", "--json", "-q", *more]) == 0
    return json.loads(capsys.readouterr().out)


def rows(found: dict) -> tuple:
    return found["rows"], found["train_rows"], found["test_rows"], found["anomalies"]


def test_compare_learns_from_half_of_the_good_ones(parts, capsys):
    found = compared(parts, capsys)
    assert rows(found) == (HALF.format("picture"), 20, 26, 6)
    assert found["outcomes"][0]["auroc"]["value"] == 1.0


def test_compare_learns_from_train_where_there_is_one(bottle, capsys):
    assert rows(compared(bottle, capsys)) == (BY_FOLDER, 30, 13, 5)


def test_compare_without_labels(parts, capsys):
    assert rows(compared(parts / "Good", capsys)) == (ALL.format("picture"), 40, 40, None)
    assert rows(compared(parts / "Good", capsys, "--size", "4")) == (
        ALL.format("picture"),
        40,
        40,
        None,
    )


def test_folders_of_other_names_are_normal_if_it_is_said(tmp_path, capsys):
    put(tmp_path / "fine", 10)
    put(tmp_path / "odd", 3, bad=True)
    assert rows(compared(tmp_path, capsys)) == (ALL.format("picture"), 13, 13, None)
    assert rows(compared(tmp_path, capsys, "--normal", "fine")) == (HALF.format("picture"), 5, 8, 3)
    assert run(["compare", str(tmp_path), "--normal", "god"]) == 2
    assert "no folder is called 'god'; there are: 'fine', 'odd'" in capsys.readouterr().err


def test_pictures_that_cannot_be_read_take_no_labels_with_them(parts, capsys):
    (parts / "Good" / "000.png").write_bytes(b"")
    (parts / "bad" / "scratch" / "001.png").write_bytes(b"no picture")
    assert rows(compared(parts, capsys)) == (HALF.format("picture"), 19, 25, 5)


def test_networks_have_the_settings_of_pictures_and_an_untrained_twin(parts, capsys):
    found = compared(parts, capsys, "--detector", "alad", "--max-steps", "2")
    assert [one["detector"] for one in found["outcomes"]] == ["knn", "alad", "alad, untrained"]
    assert not any(one["error"] for one in found["outcomes"])


def test_a_report_says_how_right_the_decisions_are(parts, tmp_path, capsys):
    model, page = str(tmp_path / "model"), tmp_path / "page.html"
    assert run(["fit", str(parts / "Good"), "-o", model, "--detector", "knn", "-q"]) == 0
    (parts / "Good" / "000.png").write_bytes(b"")
    assert run(["report", model, str(parts), "-o", str(page)]) == 0
    text = Parsed(page.read_text("utf-8")).text
    assert "Against the labels" in text and "6 of 45" in text
    assert "1 of 46 pictures skipped" in capsys.readouterr().err
    assert run(["report", model, str(parts / "Good"), "-o", str(page)]) == 0
    assert "Against the labels" not in Parsed(page.read_text("utf-8")).text
    assert run(["report", model, str(parts), "-o", str(page), "--label", "x"]) == 2
    assert "are the names of their folders; leave out --label" in capsys.readouterr().err


def test_fit_and_calibrate_refuse_what_is_labelled_anomalous(parts, bottle, tmp_path, capsys):
    model = str(tmp_path / "model")
    for folder, good in ((parts, parts / "Good"), (bottle, bottle / "train" / "good")):
        assert run(["fit", str(folder), "-o", model, "--detector", "knn"]) == 2
        err = capsys.readouterr().err
        assert f"is anomalous by its folder; give the good ones: {good}\n" in err
        assert err.count("\n") == 1 and not Path(model).exists()
    with pytest.raises(alad.InputError, match=r"bad/scratch/000\.png is anomalous by its folder"):
        alad.KNN().fit(alad.Pictures(parts))
    assert run(["fit", str(bottle / "train"), "-o", model, "--detector", "knn", "-q"]) == 0
    assert run(["calibrate", model, str(parts)]) == 2
    assert f"give the good ones: {parts / 'Good'}" in capsys.readouterr().err
    assert run(["score", model, str(bottle), "-o", str(tmp_path / "s.csv")]) == 0
    assert "43 images scored" in capsys.readouterr().err  # without masks


@pytest.mark.parametrize("verb", ["compare", "fit"])
def test_unclear_labels_are_refused_with_one_message(tmp_path, capsys, verb):
    put(tmp_path / "mixed", 4)
    put(tmp_path / "mixed" / "bad", 2, bad=True)
    more = ["-o", str(tmp_path / "model")] if verb == "fit" else []
    assert run([verb, str(tmp_path / "mixed"), *more]) == 2
    assert "not clear, 000.png lies in no folder of a label; put the" in capsys.readouterr().err
    put(tmp_path / "only" / "bad", 2, bad=True)
    assert run([verb, str(tmp_path / "only"), *more]) == 2
    assert "not clear, none lies in good/; put the normal ones" in capsys.readouterr().err


def test_compare_speaks_of_pictures(parts, capsys):
    capsys.readouterr()
    named = ["--detector", "knn", "--detector", "pca"]
    assert run(["compare", str(parts), *named, "-q"]) == 0
    out, err = capsys.readouterr()
    assert "threshold" not in err  # none is asked for
    shown = " ".join(out.split())
    assert "20 and 26 pictures, 6 of these anomalous" in shown
    assert "the same order of pictures" in shown and "rows" not in shown


def test_compare_takes_tiles_of_pictures_of_mixed_sizes(tmp_path, capsys):
    generator = np.random.default_rng(0)
    for folder, count in (("good", 24), ("bad", 6)):
        (tmp_path / "parts" / folder).mkdir(parents=True)
        for at in range(count):
            pixels = generator.integers(90, 110, (32 + 8 * (at % 3), 40)).astype(np.uint8)
            if folder == "bad":
                pixels[4:12, 28:36] = 250
            Image.fromarray(pixels).save(tmp_path / "parts" / folder / f"{at:03}.png")
    (tmp_path / "parts" / "good" / "torn.png").write_bytes(b"no picture")
    tiles = ["--tile", "16", "--backbone", "texture"]
    found = compared(tmp_path / "parts", capsys, *tiles)
    assert rows(found) == (HALF.format("picture"), 12, 18, 6)
    assert found["outcomes"][0]["auroc"]["value"] == 1.0
    assert found["outcomes"][0]["error"] is None
    assert run(["compare", str(tmp_path / "parts"), *tiles, "--size", "8", "-q"]) == 2
    assert "leave out size" in capsys.readouterr().err
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n2,3\n4,1\n")
    assert run(["compare", str(table), *tiles, "-q"]) == 2
    assert "leave out --backbone and --tile" in capsys.readouterr().err
