"""Pictures on a page: what the PNGs show, which images are there, how large the page may be."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from pages import Parsed

import alad
from alad import cli
from alad.data.png import png
from alad.report.model import anomalous_images
from alad.report.model.anomalous_images import HOT, enlarged, overlay, shown
from alad.report.model.page import model_page

pytest.importorskip("PIL", reason="pictures are compared with another reader's")


def images(count: int, seed: int = 0) -> np.ndarray:
    """Grey stripes of a random brightness."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(90, 130, (count, 12, 10, 1)).astype(np.uint8)
    pixels[:, ::3] //= 2
    return pixels


def marred(count: int, odd: int) -> np.ndarray:
    """The last `odd` with a white square, each larger than the one before."""
    pixels = images(count, seed=1)
    for at in range(odd):
        pixels[count - odd + at, : 4 + at, : 4 + at] = 255
    return pixels


@pytest.fixture(scope="module")
def detector() -> alad.KNN:
    return alad.KNN().fit(images(300))


def opened(content: bytes) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_is_read_by_others_as_it_was(channels: int):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9, channels)).astype(np.uint8)
    again = opened(png(pixels))
    np.testing.assert_array_equal(again.reshape(pixels.shape), pixels)


def test_the_hottest_pixel_has_the_full_colour_and_cold_ones_none():
    image = np.full((2, 2, 1), 100, np.uint8)
    found = overlay(image, np.array([[4.0, 2.0], [0.0, -9.0]]), 4.0)
    assert found[0, 0].tolist() == HOT.tolist()
    assert found[1, 0].tolist() == found[1, 1].tolist() and len(set(found[1, 1].tolist())) == 1
    assert found[1, 1, 0] < found[0, 1, 0] < found[0, 0, 0]
    assert (overlay(image, np.full((2, 2), -1.0), 4.0) == found[1, 1]).all()


def test_small_pictures_are_enlarged_to_be_looked_at():
    assert enlarged(np.zeros((28, 20, 3), np.uint8)).shape == (280, 200, 3)
    assert enlarged(np.zeros((300, 20, 3), np.uint8)).shape == (300, 20, 3)


def test_pictures_are_shown_in_their_own_grey(detector):
    new = marred(3, odd=1)
    np.testing.assert_array_equal(shown(detector.encoder_, new), new)


def test_the_page_holds_the_most_anomalous_images_and_loads_nothing(detector):
    new = marred(40, odd=3)
    source = model_page(detector, new, source="new/", false_alarm_rate=0.05, top=5).html()
    page = Parsed(source)
    assert page.outside() == [] and "40 images of new/" in page.text
    assert "Most anomalous images (5)" in page.text and "5 highest of 40" in page.text
    told = page.text.replace(detector.summary[1:], "").replace("max_rows", "")
    assert "rows" not in told and "learnt from 270 images" in told
    assert "new images flagged" in told and "30 calibration images" in told
    pictures = page.all("img")
    assert len(pictures) == 3 * 5 and all(each["alt"] for each in pictures)
    order = np.argsort(-detector.anomaly_score(new), kind="stable")
    assert set(order[:3]) == {37, 38, 39}
    for rank, at in enumerate(order[:5]):
        _, _, content = (pictures[3 * rank]["src"] or "").partition("base64,")
        np.testing.assert_array_equal(opened(base64.b64decode(content)), new[at, :, :, 0])
    assert "img-src data:" in source


def test_a_page_stays_below_its_size(detector, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(anomalous_images, "MOST_LETTERS", 4_000)
    page = Parsed(model_page(detector, marred(40, odd=3), top=20).html())
    shown_ = int(re.findall(r"Most anomalous images \((\d+)\)", page.text)[0])
    assert 0 < shown_ < 10 and f"{shown_} highest of 40" in page.text


@pytest.fixture
def folders(tmp_path: Path, detector, monkeypatch: pytest.MonkeyPatch) -> Path:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    detector.save("model")
    for at, pixels in enumerate(marred(30, odd=2)):
        path = Path("new") / ("a" if at % 2 else "b") / f"{at:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0]).save(path)
    return tmp_path


def test_explain_writes_a_heat_map_for_each_of_the_most_anomalous(folders, capfd):
    Path("new/broken.png").write_bytes(b"none")
    assert cli.run("explain model new -o heat --top 2".split()) == 0
    _, err = capfd.readouterr()
    assert "2 of 30 images explained" in err and "broken.png" in err
    assert sorted(path.name for path in Path("heat").iterdir()) == [
        *("001-a_29.png", "002-b_28.png", "heat.csv")
    ]
    lines = [line.split(",") for line in Path("heat/heat.csv").read_text("utf-8").splitlines()]
    assert [line[0] for line in lines[1:]] == ["a/29.png", "b/28.png"]
    assert int(lines[1][3]) <= 6 and int(lines[1][4]) <= 6  # the square is at the upper left
    picture = opened(Path("heat/001-a_29.png").read_bytes())
    assert picture.shape == (264, 220, 3)


def test_report_of_a_folder(folders):
    assert cli.run("report model new -o r.html --false-alarm-rate 0.1 --top 3 --quiet".split()) == 0
    page = Parsed(Path("r.html").read_text("utf-8"))
    assert "a/29.png" in page.text and len(page.all("img")) == 9


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("explain model new", "name a folder for them with -o"),
        ("explain model new -o new", "holds files already"),
        ("explain model new -o heat --columns 2", "leave out --columns"),
        ("report model new --label x", "labels of pictures are the names"),
        ("explain model rows.csv -o why.csv", "this model is of images"),
        ("report model rows.csv", "this model is of images"),
    ],
)
def test_what_makes_no_sense_is_one_line(folders, capfd, line: str, words: str):
    Path("rows.csv").write_text("a,b\n1,2\n", "utf-8")
    assert cli.run(line.split()) == 2
    _, err = capfd.readouterr()
    assert words in err and len(err.splitlines()) == 1


def test_explain_that_fails_leaves_no_folder(folders, capfd):
    Path("bad").mkdir()
    Path("bad/a.png").write_bytes(b"none")
    assert cli.run("explain model bad -o of/heat".split()) == 2
    assert "is no picture of a known format" in capfd.readouterr().err and not Path("of").exists()
    with_columns = alad.PCA().fit(np.random.default_rng(0).normal(size=(60, 3)))
    with_columns.save("rows")
    assert cli.run("explain rows new -o heat".split()) == 2
    assert "this model is of a table" in capfd.readouterr().err and not Path("heat").exists()
