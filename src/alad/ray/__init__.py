"""Training, scoring and benchmarks on a cluster, by Ray: the numbers of one machine.

    import ray, alad.ray

    detector = alad.ray.fit(alad.ALAD(members=8, random_state=0), "normal.parquet")
    detector.save("model")
    scored = alad.ray.score(ray.data.read_parquet("s3://bucket/rows/"), "model")
    scored.write_parquet("s3://bucket/scored/")

A row's score depends on the row and the model alone, so it does not matter which worker scores it,
or whether a worker dies and another scores the block again. Members draw their own numbers, so it
does not matter which worker trains them.
"""

from alad.ray.cells import work
from alad.ray.members import fit
from alad.ray.scoring import BatchScorer, Scorer, score, scoring_by, scoring_session
from alad.ray.started import session

__all__ = [
    "BatchScorer",
    "Scorer",
    "fit",
    "score",
    "scoring_by",
    "scoring_session",
    "session",
    "work",
]
