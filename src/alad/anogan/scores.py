"""AnoGAN's scores: one number a member and row, larger = more anomalous.

With R and D as in `search`:

| score          | formula                                                               |
|----------------|-----------------------------------------------------------------------|
| anogan         | (1 - lambda) R(z) + lambda D(z) where the search ends                 |
| residual       | R(z) there                                                            |
| discrimination | D(z) there                                                            |
| logits         | -log D(x) = softplus(-l(x)), without any search                       |
"""

from __future__ import annotations

from alad.neural.score import Score, minus_log_sigmoid

SCORES: dict[str, Score] = {
    "anogan": Score(("loss",), lambda results, _: results["loss"], watched_as="logits"),
    "residual": Score(("residual",), lambda results, _: results["residual"], watched_as="logits"),
    "discrimination": Score(
        ("discrimination",), lambda results, _: results["discrimination"], watched_as="logits"
    ),
    "logits": Score(("logit",), lambda results, _: minus_log_sigmoid(results["logit"])),
}
