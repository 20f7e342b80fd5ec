"""The paper's tables again: measured, beside what was published, and why where they differ.

`plan` says what a full and a quick pass consist of, `run` does it; `verdicts` and `reasons` judge,
`page` lays out, with `scores_section`, `images_section` and `times_section`.
"""

from alad.paper.plan import FULL, QUICK, Plan
from alad.paper.run import run

__all__ = ["FULL", "QUICK", "Plan", "run"]
