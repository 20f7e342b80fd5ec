"""Cases that users of neighbouring tools reported, with the right behaviour, one test each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_limits

from alad import cli
from alad.catalogue import make
from alad.report.model.anomalous_images import full_heat, overlay

PROGRAM = str(Path(sys.executable).with_name("alad"))


def test_lof_where_a_value_repeats_more_often_than_it_has_neighbours():
    """scikit-learn #27839: a machine idles at exactly 20.0; normal values beside it stay normal."""
    generator = np.random.default_rng(3)
    rows = generator.permutation(np.r_[np.full(600, 20.0), np.linspace(20, 22, 400)])[:, None]
    detector = make("lof", random_state=0).fit(rows)
    idle, ramp, far, farther = detector.anomaly_score(np.array([[20.001], [21.7], [25], [100]]))
    assert max(idle, ramp) < 2 < far < farther
    assert detector.training_["distinct_rows"] < 400


def test_lof_of_rows_that_are_all_alike_says_so_or_scores():
    detector = make("lof", random_state=0).fit(np.ones((50, 2)))
    assert np.isfinite(detector.anomaly_score(np.ones((3, 2)))).all()


def test_pca_of_few_wide_rows_costs_what_the_rows_cost():
    """cuml #4827: 7 to 10 s where the decomposition of the rows takes 0.1 s."""
    wide = np.random.default_rng(0).normal(size=(40, 3072)).astype("f4")
    detector = make("pca", random_state=0)
    before = time.process_time()
    detector.fit(wide)
    assert time.process_time() - before < 3
    # the same directions as by the covariance of the columns: what lies outside them
    centred = wide - wide.mean(axis=0, dtype=np.float64)
    values = np.linalg.svd(detector.encoder_.transform(wide), compute_uv=False)
    assert len(values) == 40 and detector.training_["components"] <= 39
    assert (detector.anomaly_score(wide + 5 * centred[::-1]) > detector.anomaly_score(wide)).all()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("words", [["detectors"], ["fit", "--help"], ["info"], ["info", "--json"]])
def test_a_terminal_of_few_letters_ends_no_verb(tmp_path, encoding, words):
    """rich #3764: a traceback under ASCII or cp1252."""
    table = tmp_path / "x.csv"
    rows = np.random.default_rng(0).normal(size=(60, 2))
    table.write_text("温度,b\n" + "".join(f"{a:.3f},{b:.3f}\n" for a, b in rows), "utf-8")
    model = str(tmp_path / "m")
    assert cli.run(["fit", str(table), "-o", model, "--detector", "knn", "-q"]) == 0
    command = [PROGRAM, words[0], *([model] if words[0] == "info" else []), *words[1:]]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    run = subprocess.run(command, capture_output=True, env=environment)
    assert run.returncode == 0 and b"Traceback" not in run.stderr, run.stderr


def test_explaining_a_wide_row_costs_what_its_scores_cost():
    """shap #77, pyod #508: 3 to 6 s for a row of 100 columns, nearly all of it for decoding."""
    wide = np.random.default_rng(0).normal(size=(300, 400))
    detector = make("pca", random_state=0).fit(wide)
    before = time.process_time()
    expected = detector.explain(wide[:1]).expected
    assert time.process_time() - before < 3  # 0.2 s; it was 20 s
    assert np.isfinite(expected).all()


@pytest.mark.parametrize("name", ["kernel-pca", "knn", "pca"])
def test_without_options_about_the_share_contamination_of_fresh_rows_is_flagged(name):
    """alibi-detect #10, pyod #456: 46 % where the threshold was told from learnt rows."""
    generator = np.random.default_rng(1)
    turn = generator.normal(size=(20, 20))
    rows, fresh = (generator.normal(size=(n, 20)) @ turn for n in (1000, 5000))
    for contamination in (0.05, 0.2):
        detector = make(name, random_state=0, contamination=contamination).fit(rows)
        share = (detector.predict(fresh) < 0).mean()
        # 100 rows held out: a share of Beta(101 c, 101 (1 - c)), whose deviation is s
        deviation = np.sqrt(contamination * (1 - contamination) / 102)
        assert abs(share - contamination) < 3 * deviation


@pytest.mark.parametrize("name", ["alad", "isolation-forest", "knn"])
def test_what_was_never_met_raises_the_score_of_every_detector(name):
    """pyod #442, #458: a dead sensor is no median machine, nor is a new mode a usual one."""
    generator = np.random.default_rng(0)

    def table(n: int) -> pd.DataFrame:
        numbers = generator.normal(size=(n, 2)).round(3)
        return pd.DataFrame(numbers, columns=["a", "b"]).assign(
            mode=generator.choice(["run", "idle", "stop"], n), valve=7.5
        )

    known = table(400)
    options = {"max_steps": 20} if name == "alad" else {}
    detector = make(name, random_state=0, **options).fit(known)
    new, usual = table(50), detector.anomaly_score(known)
    for changed, told in (
        ({"a": np.nan}, "'a' is missing in 1"),
        ({"mode": "sabotage"}, "'mode' holds a value that it never had at fit in 1"),
        ({"mode": None}, "'mode' is missing in 1"),
        ({"valve": 7.6}, "'valve' was 7.5 in all learnt rows and is not in 1"),
        (dict.fromkeys(known.columns), "'a' is missing in 1, it never was at fit; column 'b'"),
    ):
        row = new[:1].assign(**changed)
        with pytest.warns(UserWarning, match=told):
            score = detector.anomaly_score(row)
        assert score > usual.max()
        with pytest.warns(UserWarning):
            assert detector.predict(row) == -1 and detector.p_value(row) == 1 / 41
        (column, *_) = changed
        found = detector.explain(row)
        assert len(changed) > 1 or found.columns[found.reasons(0)[0]] == column
        # rows beside it keep their scores, to the last bit
        with pytest.warns(UserWarning):
            together = detector.anomaly_score(pd.concat([new, row]))
        np.testing.assert_array_equal(together, [*detector.anomaly_score(new), *score])


def test_a_row_number_left_in_is_told():
    """deepchecks, FLAML #549: k-NN flags 87 % of the next day's rows for their numbers."""
    table = pd.DataFrame({"Unnamed: 0": np.arange(60), "b": np.sin(np.arange(60.0))})
    with pytest.warns(UserWarning, match="'Unnamed: 0' numbers the rows"):
        make("knn").fit(table)


def test_coarse_tables_are_calibrated_by_rows_that_repeat():
    """nonconform #41: of 2,000 held-out rows none was left, since all equal a learnt one."""
    generator = np.random.default_rng(3)

    def table(n: int) -> np.ndarray:
        return np.clip(np.round(generator.normal(5, 1, (n, 2))), 0, 9)

    detector = make("isolation-forest", random_state=0).fit(table(5000))
    assert len(detector.calibrated()) == 500
    assert len(detector.calibrate(table(2000)).calibrated()) == 2000
    flagged = detector.predict(table(5000), false_alarm_rate=0.05) < 0
    odd = detector.predict(generator.integers(0, 10, (500, 2)) * 1.0, false_alarm_rate=0.05) < 0
    assert 0.02 < flagged.mean() < 0.07 and odd.mean() > 0.5


POOL = """
import multiprocessing, os
os.environ.pop("OMP_NUM_THREADS", None)
import numpy as np, torch, alad
torch.set_num_threads(2)
X = np.random.default_rng(0).normal(size=(2000, 6))
model = alad.ALAD(random_state=0, max_steps=5, engine="torch").fit(X)
due = model.anomaly_score(X)
with multiprocessing.get_context("fork").Pool(2) as pool:
    found = pool.map_async(model.anomaly_score, np.array_split(X, 4)).get(timeout=60)
assert (np.concatenate(found) == due).all()
"""


@pytest.mark.parametrize("name", ["alad", "alice", "denoising-autoencoder"])
def test_the_same_seed_gives_the_same_model_on_any_number_of_threads(name: str):
    """Wide enough layers, and enough rows, that BLAS and LAPACK would share their work."""
    X = np.random.default_rng(0).normal(size=(700, 20))
    scores = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with threadpool_limits(threads):
                made = make(name, random_state=0, max_steps=5).fit(X)
            scores.append(made.anomaly_score(X))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*scores)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_forked_workers_score_after_the_parent_has_used_threads():
    """pytorch #17199, gunicorn #2157: no answer, ever."""
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", POOL], capture_output=True)
    assert run.returncode == 0, run.stderr.decode()


def test_heat_maps_of_good_pictures_are_pale():
    """anomalib #3085, differnet #2: each was scaled to its own hottest pixel."""
    generator = np.random.default_rng(0)
    down, right = np.mgrid[:16, :16]

    def scene(at: int) -> np.ndarray:
        waves = 120 + 80 * np.sin((down + right + at) / 4)
        return np.clip(waves + generator.normal(0, 4, (16, 16)), 0, 255).astype(np.uint8)

    detector = make("pca", random_state=0).fit(np.array([scene(at) for at in range(250)]))
    new = np.array([scene(at) for at in range(50, 54)])
    new[0, 5:8, 5:8] = 255
    reddest = {}
    for name, images in (("with", new), ("without", new[1:])):
        maps = detector.explain(images)
        most = full_heat(maps, -detector.offset_)
        drawn = [
            overlay(image, heat, most)
            for image, heat in zip(images[..., None], maps.heat, strict=True)
        ]
        reddest[name] = [int((each[..., 0].astype(int) - each[..., 2]).max()) for each in drawn]
    assert (detector.predict(new) == [-1, 1, 1, 1]).all()
    assert reddest["with"][0] == 213 and max(reddest["with"][1:]) < 100
    assert max(reddest["without"]) < 213
