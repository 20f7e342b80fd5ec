"""Reader of tests/cases: small inputs, with independently computed numbers to compare with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

CASES = Path(__file__).parent / "cases"


def case(name: str) -> dict[str, Any]:
    return json.loads((CASES / f"{name}.json").read_text())


def close(got: Any, expected: Any, tolerance: float) -> None:
    """|got - expected| <= tolerance (1 + |expected|), for every entry."""
    np.testing.assert_allclose(
        np.asarray(got), np.asarray(expected), rtol=tolerance, atol=tolerance
    )
