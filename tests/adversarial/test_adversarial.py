"""ALAD, ALICE and BiGAN as detectors, beyond the contract of all detectors."""

from __future__ import annotations

import numpy as np
import pytest
from ring_rows import broken, ring
from sklearn.metrics import roc_auc_score

import alad
from alad import catalogue
from alad.adversarial.architectures import IMAGE_ARCHITECTURES
from alad.adversarial.model import CycleModel
from alad.adversarial.scores import SCORES
from alad.errors import InputError
from alad.presets import PRESETS


def aurocs(kind, score: str, **settings) -> np.ndarray:
    """Of every member, by one score."""
    detector = kind(random_state=0, members=3, score_function=score, **settings).fit(ring(600))
    normal = ring(400, seed=1)
    scores = detector.member_scores(np.concatenate([normal, broken(normal)]))
    return np.array([roc_auc_score(np.repeat([0, 1], 400), one) for one in scores])


@pytest.mark.parametrize(
    ("kind", "floor"),
    [(alad.ALAD, 0.8), (alad.ALICE, 0.8), (alad.BiGAN, 0.58)],  # no cycle term, no cycle
)
def test_trained_beats_untrained_over_seeds(kind, floor: float):
    untrained = aurocs(kind, "features", max_steps=0)
    trained = aurocs(kind, "features", max_steps=500, patience=None)
    # the mean over seeds: of BiGAN, whose cycle nothing trains, a seed may fail on its own
    assert untrained.mean() < 0.56 and trained.mean() > floor, (untrained, trained)
    assert (trained - untrained).mean() > 0.05, (untrained, trained)


def test_members_are_the_same_alone_and_the_ensemble_is_the_mean_on_a_common_scale():
    X = ring(200)
    settings = {"random_state": 4, "max_steps": 40, "patience": None, "engine": "torch"}
    settings |= {"calibration_fraction": 0}  # scales are those of the rows that are learnt from
    three = alad.ALAD(members=3, **settings).fit(X)
    third = alad.ALAD(members=[2], **settings).fit(X)
    scores = three.member_scores(X)
    assert scores.shape == (3, 200)
    np.testing.assert_allclose(scores[2], third.anomaly_score(X), rtol=5e-2)
    center = np.median(scores, axis=1, keepdims=True)
    spread = np.abs(scores - center).mean(axis=1, keepdims=True)
    mean = ((scores - center) / spread).mean(axis=0)
    np.testing.assert_allclose(three.anomaly_score(X), mean, rtol=1e-9)


@pytest.mark.parametrize("score", [name for name, one in SCORES.items() if one.for_tables])
@pytest.mark.parametrize("kind", [alad.ALAD, alad.BiGAN])
def test_every_score_is_finite_pure_and_saved(kind, score: str, tmp_path):
    X = ring(100)
    detector = kind(random_state=0, max_steps=20, score_function=score, members=2).fit(X)
    scores = detector.anomaly_score(X)
    assert np.isfinite(scores).all()
    assert detector.anomaly_score(X[17:18])[0] == scores[17]
    detector.save(tmp_path / "model")
    np.testing.assert_array_equal(alad.load(tmp_path / "model").anomaly_score(X), scores)


def test_reconstruct_gives_encoded_rows():
    X = ring(70)
    detector = alad.ALAD(random_state=0, max_steps=5, members=2).fit(X)
    reconstruction = detector.reconstruct(X)
    assert reconstruction.shape == (70, 8) and reconstruction.dtype == np.float32
    np.testing.assert_array_equal(detector.reconstruct(X[5:6])[0], reconstruction[5])
    # the l1 score of one member is the distance to it
    one = alad.ALAD(random_state=0, max_steps=5, score_function="l1").fit(X)
    gap = np.abs(one.encoder_.transform(X) - one.reconstruct(X)).sum(axis=1)
    np.testing.assert_allclose(one.anomaly_score(X), gap, rtol=1e-5)


def test_the_stopping_rule_restores_the_best_weights():
    X = ring(400)
    settings = {"random_state": 0, "check_every": 20, "form": "published"}
    stopped = alad.ALAD(max_steps=400, patience=2, **settings).fit(X)
    values = [entry["monitor"][0] for entry in stopped.training_["history"]]
    best = stopped.training_["best_step"][0]
    assert best == 20 * (int(np.argmin(values)) + 1) <= stopped.training_["steps"]
    assert stopped.training_["steps"] == min(400, best + 40)


def test_epochs_count_rows():
    settings = {"epochs": 3, "batch_size": 32, "validation_fraction": 0.0}
    detector = alad.ALAD(random_state=0, **settings).fit(ring(100))
    assert detector.training_["steps"] == 9  # three whole batches of 32 in 100 rows


def test_the_form_is_denoising_for_tables_and_published_otherwise():
    X = ring(60)
    detector = alad.ALAD(random_state=0, max_steps=2).fit(X)
    assert detector.model_.own == "joint" and "E.periods.weight" in detector.model_.weights
    paper = alad.ALAD.from_preset("paper", random_state=0, max_steps=2).fit(X)
    assert paper.model_.own == "features" and "E.periods.weight" not in paper.model_.weights
    assert alad.ALAD().settled(images=False)["form"] == "denoising"
    assert alad.ALAD().settled(images=True)["form"] == "published"
    assert alad.ALICE().settled(images=False)["form"] == "published"
    with pytest.raises(InputError, match="alice is 'published' alone"):
        alad.ALICE(form="denoising").fit(X)
    with pytest.raises(InputError, match="form='denoising' is for tables"):
        alad.ALAD(form="denoising", max_steps=2).fit(np.zeros((20, 8, 8)))


def test_of_wide_rows_of_a_backbone_the_score_reads_the_row_itself_too():
    before = alad.ALAD(backbone="texture")
    assert before.own_score_name((129,)) == "features-row"
    assert before.own_score_name((128,)) == "joint"
    assert alad.ALAD().own_score_name((129,)) == "joint"  # of a table, however wide
    assert alad.ALAD(backbone="texture", score_function="l2").own_score_name((129,)) == "l2"
    assert alad.ALICE(backbone="texture").own_score_name((129,)) == "features"


def test_on_images_the_score_is_projected_unless_the_published_form_is_asked_for():
    assert alad.ALAD().own_score_name((8, 8, 1)) == "projected"
    assert alad.ALAD(score_function="l1").own_score_name((8, 8, 1)) == "l1"
    for published in (alad.ALAD(form="published"), alad.ALAD.from_preset("images"), alad.ALICE()):
        assert published.own_score_name((8, 8, 1)) == "features"
    assert alad.BiGAN().own_score_name((8, 8, 1)) == "egbad"
    on_pictures = catalogue.make("alad", **catalogue.settings_for_pictures("alad"))
    assert on_pictures.own_score_name((8, 8, 1)) == "projected"  # so has `alad fit`
    assert "projected" in CycleModel.offered(images=True)
    assert "projected" not in CycleModel.offered(images=False)


def test_the_denoising_form_learns_to_bring_rows_back():
    X, new = ring(400), ring(200, seed=1)
    missed = []
    for steps in (0, 300):
        detector = alad.ALAD(random_state=0, max_steps=steps, score_function="l2").fit(X)
        missed.append(float(np.median(detector.anomaly_score(new))))
    assert missed[1] < 0.3 * missed[0], missed


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_are_complete_settings(name: str):
    detector = alad.ALAD.from_preset(name, max_steps=1, random_state=0, members=2)
    assert detector.get_params()["members"] == 2
    of_images = PRESETS[name].get("architecture") in IMAGE_ARCHITECTURES
    X = np.random.default_rng(0).random((20, 9, 9)) if of_images else ring(80)
    assert np.isfinite(detector.fit(X).anomaly_score(X[:5])).all()


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ("batch_size", 0, "batch_size is 0"),
        ("learning_rate", -1.0, "learning_rate is -1.0"),
        ("score_function", "feature", "features, logits"),
        ("architecture", "vgg", "no architecture 'vgg'"),
        ("architecture", {"latent": 3}, "architecture"),
        ("members", 0, "members is 0"),
        ("members", [1, 1], "members is"),
        ("members", "3", "members is '3'"),
        ("device", "gpu9", "device is 'gpu9'"),
        ("validation_fraction", 1.0, "validation_fraction is 1.0"),
        ("engine", "fast", "engine is 'fast'"),
        ("max_steps", None, "epochs and max_steps"),
        ("patience", 0, "patience is 0"),
        ("random_state", "x", "random_state"),
        ("architecture", ["kdd99"], "no architecture"),
        ("device", "meta", "device is 'meta'"),
        ("drop", None, "drop is None"),
        ("checkpoint", 3, "checkpoint is 3"),
        ("checkpoint_seconds", "x", "checkpoint_seconds is 'x'"),
        ("spectral_norm", "no", "spectral_norm is 'no'"),
        ("latent_discriminator", 2, "latent_discriminator is 2"),
    ],
)
def test_bad_parameters_are_named(parameter: str, value: object, said: str):
    with pytest.raises(InputError, match=said):
        alad.ALAD(**{parameter: value}).fit(ring(30))


def test_a_number_of_members_may_be_numpys():
    two = alad.ALAD(members=np.int64(2), max_steps=1, random_state=0).fit(ring(30))
    assert two.members_ == (0, 1)


def test_an_unknown_preset_lists_the_known():
    with pytest.raises(InputError, match="kdd99-paper"):
        alad.ALAD.from_preset("kdd")
