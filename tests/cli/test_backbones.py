"""Pictures with a backbone through the verbs, as docs/how-to/backbone.md has them."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from PIL import Image

import alad
from alad.backbone import efficientnet
from alad.benchmark.data.drawn_textures import good_pictures, new_pictures
from alad.cli import run

pytestmark = pytest.mark.skipif(
    find_spec(efficientnet.PACKAGE) is None, reason=f"no weights here: {efficientnet.REMEDY}"
)
LITE0 = efficientnet.LITE0


def written(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir()
    for at, pixels in enumerate(images):
        Image.fromarray(pixels).save(folder / f"{at:03}.png")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Good pictures of a texture, and four new ones of which the second half is spoilt."""
    place = tmp_path_factory.mktemp("pictures")
    new = new_pictures("weave", 2, 2, 64, seed=2)
    good = good_pictures("weave", 24, 64, seed=1)
    return written(place / "good", good), written(place / "new", new.images)


def test_fit_score_explain_and_report(folders: tuple[Path, Path], tmp_path: Path, capsys):
    good, new = folders
    model, scored, heat, page = (str(tmp_path / name) for name in ("m", "s.csv", "h", "p.html"))
    fit = ["fit", str(good), "-o", model, "--detector", "pca", "--backbone", LITE0]
    assert run([*fit, "--distance", "mahalanobis", "--scaling", "robust"]) == 0
    assert "24 images" in capsys.readouterr().err
    assert run(["score", model, str(new), "-o", scored, "-q"]) == 0
    scores = pyarrow.csv.read_csv(scored)["anomaly_score"].to_numpy()
    assert scores[2:].min() > scores[:2].max()
    assert run(["explain", model, str(new), "-o", heat, "-q"]) == 0
    table = pyarrow.csv.read_csv(Path(heat) / "heat.csv").to_pydict()
    assert {file for file in table["file"][:2]} == {"002.png", "003.png"}
    assert len(list(Path(heat).glob("*.png"))) == 4
    assert run(["report", model, str(new), "-o", page]) == 0
    written = Path(page).read_text("utf-8")
    assert "features of a patch" in written and LITE0 in written
    assert run(["info", model]) == 0
    assert LITE0 in capsys.readouterr().out
    # the same in Python, of the folder
    assert np.array_equal(alad.load(model).anomaly_score(str(new)), scores)


def test_alad_learns_rows_of_a_table(folders: tuple[Path, Path], tmp_path: Path):
    good, _ = folders
    model = tmp_path / "model"
    fit = ["fit", str(good), "-o", str(model), "--backbone", f"{LITE0}-pooled", "-q"]
    assert run([*fit, "--max-steps", "5"]) == 0
    loaded = alad.load(model)
    assert loaded.model_.own == "features-row"  # of the denoising form, of wide rows
    assert loaded.encoder_.form.height == 64  # their own size, which the backbone enlarges
    assert json.loads((model / "manifest.json").read_text())["content"]["params"]["epochs"] is None


def test_a_small_picture_is_hot_where_it_is_odd_and_not_along_its_border():
    learnt, new = good_pictures("weave", 24, 32, seed=1), good_pictures("weave", 6, 32, seed=2)
    how = {"backbone": LITE0, "distance": "mahalanobis", "calibration_fraction": 0.0}
    detector = alad.PCA(**how).fit(learnt)
    heat = detector.explain(new).heat
    border = np.ones((32, 32), bool)
    border[1:-1, 1:-1] = False
    # without what is usual at each place the border stands out by more than the heat varies inside
    assert abs(heat[:, border].mean() - heat[:, ~border].mean()) < heat[:, ~border].std()
    new[:, 8:18, 12:22] = 255 - new[:, 8:18, 12:22]
    spoilt = detector.explain(new)
    for at in range(6):
        row, column = spoilt.hottest(at)
        assert 6 <= row < 20 and 10 <= column < 24, (at, row, column)


def test_large_pictures_are_decoded_to_what_the_backbone_takes(tmp_path: Path):
    good = written(tmp_path / "good", good_pictures("wood", 3, 300, seed=1))
    use = efficientnet.USES[LITE0]
    detector = alad.PCA(backbone=LITE0, random_state=0).fit(str(good))
    assert (detector.encoder_.form.height, detector.encoder_.form.width) == (use.side, use.side)
    small = alad.PCA(backbone=LITE0, random_state=0).fit(alad.Pictures(good, size=(40, 48)))
    assert (small.encoder_.form.height, small.encoder_.form.width) == (40, 48)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--backbone", "resnet"], "there is no backbone 'resnet'; give one of"),
        (["--backbone", LITE0, "--samples", "out"], "leave out --samples"),
        (["--backbone", LITE0, "--drop", "a"], "leave out --drop"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: list[str], message: str, folders: tuple[Path, Path], tmp_path: Path, capsys
):
    assert run(["fit", str(folders[0]), "-o", str(tmp_path / "model"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "model").exists()


def test_a_table_is_refused(tmp_path: Path, capsys):
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,2\n" * 30)
    fit = ["fit", str(tmp_path / "rows.csv"), "-o", str(tmp_path / "model")]
    assert run([*fit, "--backbone", LITE0]) == 2
    assert "X is a table, and a backbone takes images" in capsys.readouterr().err
