"""Masks: what is outside changes neither score nor heat, and what is missing is told."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import alad
from alad.cli import run
from alad.data.pictures import Pictures
from alad.errors import InputError

SIZE = 32


def put(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Good pictures; new ones with a white square inside the mask, outside, and without one."""
    generator = np.random.default_rng(0)
    for at in range(30):
        put(
            tmp_path / "good" / f"{at:02}.png",
            generator.integers(90, 110, (SIZE, SIZE)).astype(np.uint8),
        )
    plain = generator.integers(90, 110, (SIZE, SIZE)).astype(np.uint8)
    inside, outside = plain.copy(), plain.copy()
    inside[8:14, 4:10], outside[8:14, 24:30] = 255, 255
    for name, pixels in (("plain", plain), ("inside", inside), ("outside", outside)):
        put(tmp_path / "new" / f"{name}.png", pixels)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[:, :16] = 255
    put(tmp_path / "mask.png", mask)
    return tmp_path


def test_pixels_outside_are_mid_grey_and_those_inside_as_they_are(place):
    pictures = Pictures(place / "new", mask=place / "mask.png")
    form = pictures.form()
    found = dict(zip(pictures.names, next(pictures.blocks(form))[1], strict=True))
    given = np.asarray(Image.open(place / "new" / "inside.png"))
    np.testing.assert_array_equal(found["inside.png"][:, :16, 0], given[:, :16])
    assert (found["inside.png"][:, 16:] == 128).all()
    np.testing.assert_array_equal(found["outside.png"], found["plain.png"])


def test_a_mask_is_resized_with_the_picture_and_follows_sixteen_bits(place, tmp_path):
    deep = np.full((64, 64), 40_000, np.uint16)
    put(tmp_path / "deep" / "a.png", deep)
    pictures = Pictures(tmp_path / "deep", size=(16, 16), mask=place / "mask.png")
    pixels = next(pictures.blocks(pictures.form()))[1][0, ..., 0]
    assert (pixels[:, :8] == 40_000).all() and (pixels[:, 8:] == 32_768).all()


@pytest.mark.parametrize(
    "how", [{"backbone": "texture"}, {}, {"tile": 16}, {"tile": 16, "backbone": "texture"}]
)
def test_a_defect_outside_changes_no_score_and_has_no_heat(place, how):
    mask = place / "mask.png"
    detector = alad.KNN(**how).fit(Pictures(place / "good", mask=mask))
    new = Pictures(place / "new", mask=mask)
    inside, outside, plain = detector.anomaly_score(new)
    assert outside == plain and inside > plain
    maps = detector.explain(new)
    row, column = maps.hottest(0)
    assert 4 <= row < 18 and 2 <= column < 14
    for heat in maps.heat:
        assert (heat[:, 16:] == 0).all()


def test_a_folder_of_masks_by_name_as_those_of_mvtec(place):
    mask = np.asarray(Image.open(place / "mask.png"))
    put(place / "masks" / "inside_mask.png", mask)
    put(place / "masks" / "outside.png", 255 - mask)
    put(place / "masks" / "plain.png", np.zeros((SIZE, SIZE), np.uint8))
    pictures = Pictures(place / "new", mask=place / "masks")
    names, pixels = next(pictures.blocks(pictures.form()))
    assert names == ["inside.png", "outside.png"]
    assert pixels[0, 10, 6] == 255 and pixels[1, 10, 26] == 255 and pixels[1, 10, 6] == 128
    assert "all black; make white what counts" in pictures.skipped["plain.png"]
    (place / "masks" / "outside.png").unlink()
    with pytest.raises(InputError, match=r"outside\.png: has no mask; put outside\.png into"):
        strict = Pictures(place / "new", mask=place / "masks", strict=True)
        next(strict.blocks(strict.form()))


def test_every_verb_takes_a_mask_and_a_model_asks_for_it_again(place, capsys):
    model, new, mask = str(place / "model"), str(place / "new"), str(place / "mask.png")
    fit = ["fit", str(place / "good"), "-o", model, "--detector", "knn", "--mask", mask, "-q"]
    assert run(fit) == 0
    assert run(["score", model, new, "-o", str(place / "s.csv"), "-q"]) == 2
    assert "KNN was fitted on pictures with a mask; give it, too" in capsys.readouterr().err
    for verb, *more in (
        ("score", "-o", str(place / "s.csv")),
        ("explain", "-o", str(place / "heat")),
        ("report", "-o", str(place / "page.html")),
        ("calibrate",),
    ):
        assert run([verb, model, new, "--mask", mask, "-q", *more]) == 0
    assert run(["compare", str(place / "good"), "--mask", mask, "--detector", "knn", "-q"]) == 0
    assert run(["fit", str(place / "good"), "-o", model, "--mask", "no.png"]) == 2
    assert "no.png: no such mask; name a picture" in capsys.readouterr().err
    (place / "rows.csv").write_text("a,b\n1,2\n")
    assert run(["fit", str(place / "rows.csv"), "-o", str(place / "m"), "--mask", mask]) == 2
    assert "leave out --size, --strict and --mask" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("black", "black.png: this mask is all black; make white what counts"),
        ("nothing", "black.png: this mask is no picture that opens; name another, or leave"),
    ],
)
def test_a_mask_of_all_pictures_that_is_black_or_empty_is_told_at_once(place, content, message):
    mask = place / "black.png"
    if content == "black":
        put(mask, np.zeros((SIZE, SIZE), np.uint8))
    else:
        mask.touch()
    with pytest.raises(InputError, match=message):
        Pictures(place / "good", mask=mask)


def test_a_folder_without_usable_masks_names_the_masks(place):
    (place / "none").mkdir()
    with pytest.raises(InputError, match="none: no masks in it; put one there for each picture"):
        Pictures(place / "good", mask=place / "none")
    for name in ("plain", "inside", "outside"):
        put(place / "black" / f"{name}.png", np.zeros((SIZE, SIZE), np.uint8))
    pictures = Pictures(place / "new", mask=place / "black")
    with pytest.raises(InputError, match=r"its mask is all black; make .*; mend masks or pictures"):
        list(pictures.blocks(pictures.form()))
