"""The paper's tables, measured again beside the published ones, with reasons for differences.

`plan` defines a full and a quick pass, `run` measures them; `verdicts`, with `reasons`, compares
with what was published; `page` is made of the sections.
"""

from alad.paper.plan import FULL, QUICK, Plan
from alad.paper.run import run

__all__ = ["FULL", "QUICK", "Plan", "run"]
