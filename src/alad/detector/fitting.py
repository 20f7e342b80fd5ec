"""What a fit does once rows are read: encode, learn, know again, threshold, calibrate."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from alad.detector.decisions import held_out_calibration, offset, remembered, repeats
from alad.detector.fitted import Fitted
from alad.detector.model import storable
from alad.detector.novelty import learnt_novelty
from alad.detector.rows import (
    Fit,
    Learn,
    as_given,
    digests_of,
    kept,
    learnable,
    pieces,
    scores_at_fit,
    summed_up,
)
from alad.encoding import Encoder, TableEncoder


def fitted_on(
    detector: Any, encoder: Encoder, rows: Any, begun: float, held_out: np.ndarray, learn: Learn
) -> Fitted:
    """Learn from what `encoder` gathered, and calibrate on the rows held out, bool [n].

    detector: a `Detector`; begun: by `time.perf_counter`; learn: what the model comes from.
    """
    learnt = ~held_out
    matrix = encoder.fit_transform(rows, learnt)
    fit = Fit(encoder)
    known = learnable(detector, matrix if learnt.all() else matrix[learnt], fit)
    # refused now, not after the training: what does not suit the rows, or could not be saved
    detector.check_shape(tuple(known.shape[1:]))
    params = detector.settings()
    model = learn(known, fit)
    seconds, count = round(time.perf_counter() - begun, 3), int(learnt.sum())
    facts = {"rows": count, "held_out": len(learnt) - count, "seconds": seconds}
    facts |= storable("training_", fit.facts)
    if "patches" in facts:  # those that networks count as rows
        facts["rows"] = count
    apart = as_given(encoder, rows, matrix)
    digest = digests_of(apart)[learnt]
    facts["repeats"] = repeats(digest)
    fitted = Fitted(
        name=detector.name,
        params=params,
        encoder_=encoder,
        model_=model,
        offset_=np.nan,
        training_=facts,
        calibration_=None,
        learnt_=remembered(digest),
        references_=kept(apart[learnt]),
    )
    # the scores of the rows given tell the threshold; of those held out also the calibration
    chosen = detector.scored_at_fit(len(matrix), fit)
    scored, new = matrix[chosen], ~learnt[chosen]
    scores = scores_at_fit(fitted, scored, bool(detector.verbose))
    if detector.novelty and isinstance(encoder, TableEncoder):
        added, scores = learnt_novelty(encoder.known_, pieces(known), scores, new, pieces(scored))
        fitted = replace(fitted, novelty_=added)
    return replace(
        fitted,
        offset_=offset(scores, new, detector.contamination),
        training_=facts | {"scores": summed_up(scores[~new])},
        calibration_=held_out_calibration(scores[new]),
    )
