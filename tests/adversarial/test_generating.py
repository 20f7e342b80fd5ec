"""Images of random codes: from a fitted model, over training, on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import alad
from alad import cli
from alad.adversarial.generation import ACROSS, DOWN
from alad.data.png import GAP, grid
from alad.detector.saving import content_of
from alad.errors import InputError

SIZE = (8, 8, 3)
QUICK = {"architecture": {"latent": 4, "width": 4}, "batch_size": 8, "random_state": 3}
METHODS = pytest.mark.parametrize("kind", [alad.ALAD, alad.ALICE, alad.BiGAN, alad.AnoGAN])


def pictures(n: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, *SIZE), np.uint8)


def fitted(kind: Any = alad.ALAD, X: np.ndarray | None = None, **how: Any) -> Any:
    own = {"search_steps": 2} if kind is alad.AnoGAN else {}
    return kind(**{**QUICK, "max_steps": 5, "check_every": 2, **own, **how}).fit(
        pictures() if X is None else X
    )


def shown(path: Path, enlarged: int = 8) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)[::enlarged, ::enlarged]


@METHODS
@pytest.mark.parametrize("members", [1, 3])
def test_pictures_over_training_do_not_change_it_by_a_bit(kind, members, tmp_path):
    plain = fitted(kind, members=members)
    watched = fitted(kind, members=members, samples=tmp_path / "s")
    (_, arrays), (_, same) = content_of(plain.fitted_), content_of(watched.fitted_)
    assert arrays.keys() == same.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, same[name])
    np.testing.assert_array_equal(
        plain.anomaly_score(pictures()), watched.anomaly_score(pictures())
    )
    assert plain.training_["history"] == watched.training_["history"]


@METHODS
def test_a_picture_every_check_ends_with_what_the_model_generates(kind, tmp_path):
    detector = fitted(kind, samples=str(tmp_path / "a" / "s"), members=2)
    files = sorted((tmp_path / "a" / "s").iterdir())
    assert [file.name for file in files] == [f"step-{at:06d}.png" for at in (0, 2, 4, 5)]
    first, *_, last = map(shown, files)
    assert first.shape == (DOWN * (SIZE[0] + GAP) - GAP, ACROSS * (SIZE[1] + GAP) - GAP, 3)
    assert (first != last).mean() > 0.1
    images = detector.generate(DOWN * ACROSS, random_state=QUICK["random_state"])
    rows = detector.encoder_.transform(images).reshape(DOWN, ACROSS, *SIZE)
    np.testing.assert_array_equal(last, grid(list(rows)))


def test_the_codes_are_the_same_at_every_check(tmp_path):
    """Weights that do not move make the same picture."""
    fitted(learning_rate=1e-12, samples=tmp_path)
    pictures = [shown(file).astype(int) for file in sorted(tmp_path.iterdir())]
    assert len(pictures) == 4 and all(abs(one - pictures[0]).max() <= 1 for one in pictures)


def test_a_seed_draws_codes_of_its_own():
    detector = fitted()
    one, same, other = (detector.generate(6, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape == (6, *SIZE) and (one != other).mean() > 0.5
    np.testing.assert_array_equal(detector.generate(2, random_state=1), one[:2])
    assert len(np.unique(one.reshape(6, -1), axis=0)) == 6


@METHODS
def test_members_take_turns_and_a_saved_model_generates_the_same(kind, tmp_path):
    both = fitted(kind, members=2)
    images = both.generate(70, random_state=1)
    assert images.shape == (70, *SIZE) and images.dtype == np.uint8
    for member in (0, 1):
        alone = fitted(kind, members=[member]).generate(70, random_state=1).astype(int)
        assert abs(alone - images)[member::2].max() <= 1  # but for rounding
        assert abs(alone - images)[1 - member :: 2].max() > 9
    both.save(tmp_path / "model")
    loaded = alad.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.generate(70, random_state=1), images)


@pytest.mark.parametrize(
    ("X", "low", "high", "kind"),
    [
        (pictures() / 255, 0.0, 1.0, np.float32),
        (pictures().astype(np.uint16) * 16, 0, 4_095, np.uint16),
        (pictures()[..., 0], 0, 255, np.uint8),
    ],
)
def test_images_come_in_the_pixels_of_the_training(X, low, high, kind):
    images = fitted(X=X).generate(5, random_state=0)
    assert images.dtype == kind and images.min() >= low and images.max() <= high
    assert abs(images.mean() - (low + high) / 2) < (high - low) / 4
    assert images.std() > 0


def test_tables_are_refused(tmp_path):
    rows = np.random.default_rng(0).normal(size=(40, 4))
    table = alad.ALAD(max_steps=1, batch_size=8).fit(rows)
    with pytest.raises(InputError, match="it is of a table"):
        table.generate()
    with pytest.raises(InputError, match="samples are pictures, and X is a table"):
        alad.ALAD(max_steps=1, samples=tmp_path / "s").fit(rows)
    assert not (tmp_path / "s").exists()
    with pytest.raises(InputError, match="samples is 3; give a folder"):
        alad.ALAD(samples=3).fit(rows)
    with pytest.raises(InputError, match="n is 0"):
        fitted().generate(0)


def test_a_folder_that_cannot_be_made_is_refused_before_training(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="choose another folder"):
        fitted(samples=tmp_path / "file" / "s", max_steps=10**9)


# --- command line ---------------------------------------------------------------------------------


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("good").mkdir()
    for at, pixels in enumerate(pictures()):
        Image.fromarray(pixels).save(f"good/{at:02d}.png")
    Path("normal.csv").write_text("a,b\n" + "1,2\n3,4\n" * 20, "utf-8")
    return tmp_path


def test_fit_writes_pictures_and_the_same_model(good, capfd):
    fit = "fit good --detector bigan --max-steps 2 --seed 3 -q -o".split()
    assert cli.run([*fit, "plain"]) == cli.run([*fit, "watched", "--samples", "of/s"]) == 0
    assert [path.name for path in sorted(Path("of/s").iterdir())] == [
        *("step-000000.png", "step-000002.png")
    ]
    plain, watched = alad.load("plain"), alad.load("watched")
    assert plain.params == watched.params
    np.testing.assert_array_equal(
        plain.anomaly_score(pictures()), watched.anomaly_score(pictures())
    )
    # pictures of another training must not lie among these; an interrupted one goes on
    again = [*fit, "watched", "--samples", "of/s"]
    assert cli.run(again) == 2
    assert "of/s: holds files already" in capfd.readouterr().err
    assert cli.run([*again, "--resume"]) == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fit normal.csv -o m --samples s", "normal.csv: is no folder of pictures; leave out"),
        ("fit good -o m --samples s --detector knn", "knn has no --samples; leave it out"),
        ("fit good -o m --samples s --detector vae", "vae has no --samples; leave it out"),
        ("fit good -o m --samples good/00.png/s", "good/00.png/s is in good"),
        ("fit good -o m --samples normal.csv", "normal.csv: Not a directory"),
        ("fit good -o m --samples normal.csv/s", "normal.csv/s: Not a directory"),
        ("fit good -o m --samples m", "--samples: m is in m; choose a folder of its own"),
        ("fit good -o m --samples m.checkpoint/s", "is in m.checkpoint"),
    ],
)
def test_what_makes_no_sense_is_one_line(good, capfd, line, words):
    assert cli.run(line.split()) == 2
    _, err = capfd.readouterr()
    assert words in err and len(err.splitlines()) == 1
    assert not Path("m").exists() and not Path("s").exists()
