"""One body: few classes, methods written once, parameters declared once."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from every_detector import every_detector, quick, rows
from sklearn.base import clone

import alad
from alad import catalogue, storage
from alad.declared import declaration
from alad.detector.contract import Detector
from alad.errors import InputError
from alad.neural.detector import NetworkDetector
from alad.parameters import DECIDES, HOW, marked

# concrete methods of detectors and models that replace a concrete one -> why
OVERRIDES = {
    ("Detector", "__sklearn_tags__"): "how scikit-learn is told that missing numbers are read",
    ("NetworkDetector", "check_shape"): "widths of networks have to suit the rows",
    ("ALAD", "_stopping"): "swapped cells of images tell nothing; the authors' rule may be chosen",
    ("ALAD", "own_score_name"): "each game has a score of its own",
    ("ALAD", "_architectures"): "the denoising game has widths of its own",
    ("AnoGAN", "scored_at_fit"): "every row costs a search, so not all are scored at fit",
    ("RowsModel", "compared"): "only a search compares a row with stored ones",
    ("NetworkModel", "in_blocks"): "C leaves each row alone by itself, PyTorch needs blocks",
    ("SearchModel", "in_blocks"): "rows that are equal are searched for once",
    ("SearchModel", "settings"): "the search is part of the model; others have networks alone",
}

# what is asked of something by a name, and is no question of what a detector is -> why
QUESTIONS = {
    ("encoding/table.py", "self", "feature_names_in_"): "an array has no names of columns",
}
ASKED = ("detector", "model", "fitted", "made", "self", "estimator")
OF_OTHERS = ("report", "benchmark", "paper")  # packages that still ask

MADE_BY_DATACLASS = {"__init__", "__repr__", "__setattr__", "__delattr__", "__replace__"}
METHODS = (property, functools.cached_property, classmethod, staticmethod)


def ours(kind: type) -> list[type]:
    return [one for one in kind.__mro__ if one.__module__.startswith("alad.")]


def classes() -> list[type]:
    """All classes of detectors and models."""
    final = [catalogue.detector_class(name) for name in catalogue.DETECTORS]
    final += [catalogue.model_class(kind) for kind in catalogue.MODELS]
    return list(dict.fromkeys(base for kind in final for base in ours(kind)))


def concrete_methods(kind: type) -> dict[str, Any]:
    """Those that a class itself defines."""
    return {
        name: value
        for name, value in vars(kind).items()
        if (inspect.isfunction(value) or isinstance(value, METHODS))
        and name not in MADE_BY_DATACLASS
        and not getattr(value, "__isabstractmethod__", False)
    }


def overrides() -> Iterator[tuple[str, str]]:
    for kind in classes():
        for name in concrete_methods(kind):
            above = [base for base in kind.__mro__[1:-1] if name in vars(base)]
            if above and name in concrete_methods(above[0]):
                yield kind.__name__, name


# --- classes --------------------------------------------------------------------------------------


def test_alad_is_three_classes():
    assert [one.__name__ for one in ours(alad.ALAD)] == ["ALAD", "NetworkDetector", "Detector"]


@every_detector
def test_a_detector_is_at_most_three_classes_and_one_ofsettings(name: str):
    kinds = ours(catalogue.detector_class(name))
    if len(kinds) > 3:  # a relative: the same method, with other settings
        assert concrete_methods(kinds.pop(0)) == {}
    assert len(kinds) <= 3 and kinds[-1] is Detector
    assert all(inspect.isabstract(kind) for kind in kinds[1:])


def test_a_method_is_written_once():
    assert sorted(overrides()) == sorted(OVERRIDES)
    assert len(OVERRIDES) <= 10


def test_an_override_is_seen():
    class Twice(alad.KNN):
        def settings(self) -> dict[str, Any]:
            return super().settings()

    assert concrete_methods(Twice).keys() & concrete_methods(Detector).keys() == {"settings"}


def questions(source: str) -> Iterator[tuple[str, str]]:
    """(who is asked, for what name) of each `hasattr` and `getattr` in a source."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in ("hasattr", "getattr") and len(node.args) > 1:
            whom, what = node.args[:2]
            literal = isinstance(what, ast.Constant) and isinstance(what.value, str)
            named = whom.attr if isinstance(whom, ast.Attribute) else getattr(whom, "id", "")
            if literal and named.rstrip("_") in ASKED:
                yield named, what.value


def test_a_question_is_seen():
    found = questions("hasattr(self.detector, 'x'); getattr(model_, 'y', 0); getattr(self, name)")
    assert list(found) == [("detector", "x"), ("model_", "y")]


def test_nobody_asks_a_detector_what_it_is():
    package = Path(alad.__file__).parent
    found = {
        (path.relative_to(package).as_posix(), *question)
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).parts[0] not in OF_OTHERS
        for question in questions(path.read_text("utf-8"))
    }
    assert found == set(QUESTIONS)


# --- parameters -----------------------------------------------------------------------------------


@every_detector
def test_parameters_have_one_source(name: str):
    kind = catalogue.detector_class(name)
    declared = [one.name for one in fields(kind)]
    shown = inspect.signature(kind).parameters
    assert list(shown) == declared
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in shown.values())
    defaults = {one.name: one.default for one in fields(kind)}
    assert MISSING not in defaults.values()
    assert {key: one.default for key, one in shown.items()} == defaults
    made = kind()
    assert made.get_params() == defaults == vars(made) == clone(made).get_params()
    assert catalogue.parameter_names(name) == sorted(declared)
    assert repr(made) == f"{kind.__name__}()"
    with pytest.raises(TypeError, match="charm"):
        kind(charm=1)


@every_detector
def test_a_constructor_only_stores(name: str):
    """Whatever is given is refused at fit, and comes back untouched until then."""
    kind = catalogue.detector_class(name)
    given = {one.name: [one.name] for one in fields(kind)}
    made = kind(**given)
    assert all(made.get_params(deep=False)[key] is value for key, value in given.items())
    with pytest.raises(InputError):
        made.fit(rows(30))
    assert all(vars(made)[key] is value for key, value in given.items())


@every_detector
def test_every_parameter_is_declared_with_words(name: str):
    module, class_name = catalogue.DETECTORS[name]
    parameters = declaration(module, class_name).parameters
    kind = catalogue.detector_class(name)
    assert parameters.keys() == {one.name for one in fields(kind)}
    assert [key for key, one in parameters.items() if len(one.comment) < 5] == []
    for one in fields(kind):
        told = parameters[one.name]
        assert told.default == one.default, one.name
        assert [told.mark] == ([*one.metadata] or [""]), one.name


# --- marks ----------------------------------------------------------------------------------------

RUN = {  # values that say how a fit is run, other than the default, and harmless
    "random_state": 0,
    "device": "auto",
    "verbose": 0,
    "checkpoint": "left out below",
    "checkpoint_seconds": 1.0,
    "resume": False,
    "samples": None,
    "engine": "torch",
}


@every_detector
def test_fields_that_say_how_a_fit_is_run_are_marked_so(name: str):
    how = marked(catalogue.detector_class(name), HOW).keys()
    assert how == RUN.keys() & set(catalogue.parameter_names(name))
    assert set(marked(catalogue.detector_class(name), DECIDES)) == {
        "contamination",
        "calibration_fraction",
        "novelty",
    }


@every_detector
def test_they_are_not_stored_and_may_change_after_the_fit(name: str, tmp_path: Path):
    how = marked(catalogue.detector_class(name), HOW).keys()
    asked = {key: RUN[key] for key in how - {"checkpoint"}}
    if "checkpoint" in how:
        asked["checkpoint"] = str(tmp_path / "checkpoint")
    detector = quick(name, **asked).fit(rows(60))
    detector.save(tmp_path / "model")
    content, _ = storage.read(tmp_path / "model", "model")
    assert content["params"].keys() == set(catalogue.parameter_names(name)) - how
    model = catalogue.detector_class(name).model
    assert not content["model"].keys() & marked(model, HOW).keys()
    scores = detector.anomaly_score(rows(9))
    defaults = catalogue.detector_class(name)().get_params()
    detector.set_params(**{key: defaults[key] for key in how})
    np.testing.assert_array_equal(detector.anomaly_score(rows(9)), scores)
    detector.save(tmp_path / "again")


NETWORKS = [
    name
    for name in catalogue.DETECTORS
    if issubclass(catalogue.detector_class(name), NetworkDetector)
]


def fingerprint(name: str, place: Path, **params: Any) -> str:
    detector = quick(name, checkpoint=place, **params)
    assert isinstance(detector, NetworkDetector)
    found = detector._checkpoint(rows(40).astype(np.float32), seed=0)
    assert found is not None
    return found.fingerprint


@pytest.mark.parametrize("name", NETWORKS)
def test_they_are_no_part_of_a_checkpoints_fingerprint(name: str, tmp_path: Path):
    usual = fingerprint(name, tmp_path)
    deciding = {"contamination": 0.2, "calibration_fraction": 0.3}
    run = {"device": "auto", "verbose": 1, "checkpoint_seconds": 1.0, "resume": True}
    more = {"samples": "grids", "engine": "torch"}
    run |= {key: more[key] for key in more if key in catalogue.parameter_names(name)}
    assert (
        set(run) | {"checkpoint", "random_state"}
        == marked(catalogue.detector_class(name), HOW).keys()
    )
    for key, value in (deciding | run).items():
        assert fingerprint(name, tmp_path, **{key: value}) == usual, key
    for key, value in {"learning_rate": 0.5, "members": 2, "patience": 7}.items():
        assert fingerprint(name, tmp_path, **{key: value}) != usual, key


def test_numbers_of_16_bits_are_another_training(tmp_path: Path):
    assert fingerprint("alad", tmp_path, engine="bfloat16") != fingerprint("alad", tmp_path)
