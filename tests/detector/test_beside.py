"""Frames with scores beside their rows, notebooks, scorers of searches."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from every_detector import frame, quick, rows
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from alad.catalogue import make
from alad.errors import InputError
from alad.metrics import auroc_scorer, average_precision_scorer
from alad.report.model.page import model_page


@pytest.fixture(scope="module")
def detector():
    return quick("knn").fit(frame(300))


def test_scored_frames_are_of_their_kind(detector):
    table = frame(120)
    table.index = pd.Index([f"m{at}" for at in range(120)], name="machine")
    scores, flags = detector.anomaly_score(table), detector.predict(table) == -1
    scored = detector.beside(table)
    assert list(scored) == [*table, "anomaly_score", "p_value", "is_anomaly"]
    pd.testing.assert_index_equal(scored.index, table.index)
    assert "anomaly_score" not in table
    for other in (pl.from_pandas(table), pa.table(table.reset_index(drop=True))):
        again = detector.beside(other)
        assert type(again) is type(other)
        for each in (scored, again):
            np.testing.assert_array_equal(np.asarray(each["anomaly_score"]), scores)
            np.testing.assert_array_equal(np.asarray(each["is_anomaly"]), flags)
            np.testing.assert_array_equal(np.asarray(each["p_value"]), detector.p_value(table))
    at_rate = detector.beside(table, false_alarm_rate=0.2)["is_anomaly"]
    np.testing.assert_array_equal(at_rate, detector.predict(table, false_alarm_rate=0.2) == -1)


def test_scored_frames_without_calibration_and_refusals(detector):
    table = frame(60)
    plain = quick("knn", calibration_fraction=0).fit(table)
    assert list(plain.beside(table)) == [*table, "anomaly_score", "is_anomaly"]
    with pytest.raises(InputError, match="has a column 'p_value' already"):
        quick("knn", drop=["p_value"]).fit(frame(300).assign(p_value=1)).beside(
            table.assign(p_value=1)
        )
    with pytest.raises(InputError, match="X is a ndarray"):
        quick("knn").fit(rows(60)).beside(rows(3))


def test_in_a_notebook(detector):
    table = frame(120)[:12].assign(colour="<b>red</b>")
    shown = detector.explain(table)._repr_html_()
    assert shown.count("<tr><td>") == 10 and "and 2 rows more" in shown
    assert "<b>red</b>" not in shown and "&lt;b&gt;red" in shown
    pages = [
        model_page(detector, each(frame(120)))._repr_html_() for each in (pa.table, pd.DataFrame)
    ]
    page = pages[0]
    assert pages[1] == page
    assert page.startswith("<iframe ") and "&lt;svg" in page
    assert repr(detector.fitted_) == "<knn, 270 rows learnt, calibrated on 30>"


def test_a_search_for_the_best_chooses_the_best():
    """scikit-learn #15603: with labels of which 1 is the anomaly it chose the worst."""
    X = np.random.default_rng(0).normal(size=(400, 3))
    X[-20:] *= 4
    y = np.repeat([0, 1], [380, 20])
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    for labels in (y, y.astype(bool), np.where(y, -1, 1)):
        for scorer in (auroc_scorer, average_precision_scorer):
            parameters = {"n_neighbors": [3, 9]}
            knn = make("knn", distance="kth", random_state=0)
            found = GridSearchCV(knn, parameters, scoring=scorer, cv=folds).fit(X, labels)
            assert found.best_score_ > 0.85
            assert scorer is not auroc_scorer or found.best_params_ == {"n_neighbors": 3}
    backwards = GridSearchCV(knn, parameters, scoring="roc_auc", cv=folds).fit(X, y)
    assert backwards.best_params_ == {"n_neighbors": 9} and backwards.best_score_ < 0.1
    with pytest.raises(InputError, match="label 'odd' is neither"):
        auroc_scorer(quick("knn").fit(X), X, np.where(y, "odd", "normal"))
