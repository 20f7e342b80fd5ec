"""A fit is atomic: all that it leaves is `fitted_`, set once at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from every_detector import every_detector, quick, rows
from sklearn.exceptions import NotFittedError

from alad import ALAD, KNN
from alad.detector import fitting
from alad.detector.contract import Detector
from alad.detector.fitted import Fitted
from alad.errors import InputError, TrainingError
from alad.neural.detector import NetworkDetector
from alad.training import loop

FAILURES = (TrainingError("diverged"), KeyboardInterrupt(), MemoryError())

# where a fit may end: what learns, what scores the rows given, what calibrates by them
PLACES: dict[str, Callable[[Detector], tuple[Any, str]]] = {
    "learning": lambda detector: (type(detector), "_learn"),
    "threshold": lambda detector: (Fitted, "score_encoded"),
    "calibration": lambda detector: (fitting, "held_out_calibration"),
}


def failing(monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str], error: BaseException) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(*place, fail)


@every_detector
@pytest.mark.parametrize("place", PLACES)
def test_a_fit_that_fails_leaves_the_detector_as_it_was(name: str, place: str, monkeypatch):
    X, new = rows(60), rows(9, seed=2)
    known, fresh = quick(name).fit(X), quick(name)
    before, scores = dict(vars(known)), known.anomaly_score(new)
    for error in FAILURES:
        with monkeypatch.context() as patch:
            failing(patch, PLACES[place](known), error)
            for detector in (known, fresh):
                with pytest.raises(type(error)):
                    detector.fit(rows(80, seed=1))
        assert vars(known) == before  # `fitted_` compares by identity
        assert vars(fresh) == fresh.get_params()
    np.testing.assert_array_equal(known.anomaly_score(new), scores)
    with pytest.raises(NotFittedError):
        fresh.predict(new)
    np.testing.assert_array_equal(fresh.fit(X).anomaly_score(new), scores)


@every_detector
def test_rows_or_parameters_that_are_refused_leave_it_as_it_was(name: str):
    detector = quick(name).fit(rows(60))
    fitted, scores = detector.fitted_, detector.anomaly_score(rows(9))
    with pytest.raises(InputError):
        detector.fit(np.full((5, 2), np.inf))
    with pytest.raises(InputError, match="contamination is 2"):
        detector.set_params(contamination=2).fit(rows(60))
    assert detector.set_params(contamination=0.05).fitted_ is fitted
    np.testing.assert_array_equal(detector.anomaly_score(rows(9)), scores)


def test_ctrl_c_in_the_middle_of_a_training_leaves_the_earlier_fit(monkeypatch):
    how = {"max_steps": 20, "check_every": 5, "batch_size": 16, "random_state": 0, "members": 2}
    detector = ALAD(**how).fit(rows(60))
    before, advance = dict(vars(detector)), loop._advance

    def advance_and_stop(step: Any, schedule: Any, monitor: Any, training: Any, bar: Any) -> None:
        advance(step, schedule, monitor, training, bar)
        if training.steps_done > 12:  # two checks have scored held-out rows
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_advance", advance_and_stop)
        with pytest.raises(KeyboardInterrupt):
            detector.fit(rows(80, seed=1))
    assert vars(detector) == before


def test_the_stopping_rule_never_touches_the_estimator(monkeypatch):
    detector = ALAD(form="published", max_steps=20, check_every=5, batch_size=16, random_state=0)
    made, seen = NetworkDetector._monitor, []

    def watched(self: NetworkDetector, *arguments: Any) -> Any:
        monitor = made(self, *arguments)
        assert monitor is not None

        def ask() -> np.ndarray:
            value = monitor()
            seen.append(vars(self) == self.get_params())
            return value

        return ask

    monkeypatch.setattr(NetworkDetector, "_monitor", watched)
    detector.fit(rows(60))
    assert seen == [True] * 4  # after 5, 10, 15 and 20 steps


def test_fitted_and_its_model_are_values():
    fitted = KNN().fit(rows(60)).fitted_
    for owner, name in ((fitted, "offset_"), (fitted, "model_"), (fitted.model_, "rows")):
        with pytest.raises(AttributeError, match="cannot assign"):
            setattr(owner, name, None)
    again = fitted.calibrate(rows(30, seed=4))
    assert again is not fitted and fitted.calibration_ is None and again.calibration_ is not None
    assert again.model_ is fitted.model_
