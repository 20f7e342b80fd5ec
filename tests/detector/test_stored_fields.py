"""A stored model that lost a value: refused, or its answers are the same."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from every_detector import frame, quick

from alad import catalogue, storage
from alad.detector.fitted import Fitted
from alad.errors import InputError


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List the paths of all keys in JSON values."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(value, dict):
            yield (*above, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*above, key))


def without(content: dict[str, Any], place: tuple[Any, ...]) -> dict[str, Any]:
    content = copy.deepcopy(content)
    inner: Any = content
    for key in place[:-1]:
        inner = inner[key]
    del inner[place[-1]]
    return content


def answers(fitted: Fitted) -> tuple[Any, ...]:
    rows = frame(60).assign(constant=2.5)
    explained = fitted.explain(rows[:2])
    given = (fitted.anomaly_score(rows), fitted.p_value(rows), explained.contributions)
    return (*(each.tolist() for each in given), fitted.offset_, repr(explained.expected))


@pytest.mark.parametrize("name", ["pca", "dagmm"])
def test_a_value_that_was_lost_changes_no_answer_or_is_refused(name: str, tmp_path: Path):
    """A column stored without `shift` or `unit` was accepted, with other scores."""
    detector = quick(name).fit(frame(300).assign(constant=2.5))
    detector.save(tmp_path)
    content, arrays = storage.read(tmp_path, "model")
    due, refused = answers(catalogue.load(tmp_path)), set()
    for place in places({key: content[key] for key in content.keys() - {"training", "params"}}):
        storage.write(tmp_path, "model", without(content, place), arrays)
        try:
            assert answers(catalogue.load(tmp_path)) == due, place
        except InputError:
            refused.add(place[-1])
    assert {"shift", "unit", "warp", "fill", "constant", "kept", "decimal", "offset"} <= refused
    for lost in arrays.keys() - {"explanation/references"}:  # none in the oldest models
        kept = {key: array for key, array in arrays.items() if key != lost}
        storage.write(tmp_path, "model", content, kept)
        with suppress(InputError):
            assert answers(catalogue.load(tmp_path)) == due, lost
