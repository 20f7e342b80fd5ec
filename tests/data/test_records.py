"""Rows as dictionaries and Series: the scores of the same row of a frame."""

import numpy as np
import pandas as pd
import pytest
from every_detector import frame, quick

from alad.errors import InputError


@pytest.fixture(scope="module")
def detector():
    return quick("knn").fit(frame(300))


def test_a_row_has_one_score_however_it_comes(detector):
    rows = frame(120)[:20]
    scores = detector.anomaly_score(rows)
    records = rows.to_dict("records")
    np.testing.assert_array_equal(detector.anomaly_score(records), scores)
    np.testing.assert_array_equal(detector.anomaly_score(rows.to_dict("list")), scores)
    for at in range(20):
        reversed_row = dict(reversed(records[at].items()))
        for row in (records[at], reversed_row, tuple(records[at : at + 1]), rows.iloc[at]):
            assert detector.anomaly_score(row).tolist() == [scores[at]]
    assert detector.predict(records[0]).shape == (1,)
    explained = detector.explain(records[0])
    assert explained.columns == ("amount", "holes", "colour", "open")


def test_they_are_learnt_from(detector):
    rows = frame(300)
    again = quick("knn").fit(rows.to_dict("records"))
    np.testing.assert_array_equal(again.anomaly_score(rows), detector.anomaly_score(rows))
    assert again.feature_names_in_.tolist() == list(rows)


def test_a_key_that_one_record_lacks_is_a_missing_cell(detector):
    rows = frame(120)[:2]
    records = rows.to_dict("records")
    del records[1]["holes"]
    rows.loc[1, "holes"] = np.nan
    np.testing.assert_array_equal(detector.anomaly_score(records), detector.anomaly_score(rows))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"amount": 1.0}, "missing: 'holes', 'colour', 'open'"),
        ({}, "a row without columns"),
        ({1: 2.0}, "the name of a column is 1; give text"),
        ({"amount": [1.0, 2.0], "holes": 1.0}, "'amount' is a list and others are not"),
        ({"amount": [1.0, 2.0], "holes": [1.0]}, "different lengths"),
        ({"amount": [], "holes": []}, "the table is empty"),
        (pd.Series([1.0, 2.0], index=["amount", "amount"]), "several columns named 'amount'"),
        (pd.Series([1.0, 2.0]), "2-dimensional"),
    ],
)
def test_what_is_no_row_is_refused_in_one_line(detector, row, words):
    with pytest.raises(InputError, match=words) as error:
        detector.anomaly_score(row)
    assert "\n" not in str(error.value)
