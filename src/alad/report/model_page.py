"""A model's page: what it learnt, how it decides, and what it finds in new rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alad.report.anomalies import anomalies_section
from alad.report.anomalous_images import anomalous_images_section
from alad.report.axes import number
from alad.report.blocks import Facts, Section
from alad.report.decided import Decision, calibration_section, scores_section
from alad.report.document import Page, write_text
from alad.report.judged import judged_section
from alad.report.learnt import learnt_section, of_tables, training_section, unit
from alad.report.reconstructed import generated_section, reconstructed_section

TOP = 200  # most anomalous rows shown


def model_page(
    detector: Any,
    rows: Any = None,
    anomalous: np.ndarray | None = None,
    *,
    source: str = "the table",
    false_alarm_rate: float | None = None,
    top: int = TOP,
    about: Mapping[str, str] | None = None,
) -> Page:
    """The page of a fitted detector, and of new rows if there are any.

    rows: a table or images as the detector takes them, called `source` on the page. anomalous: bool
    [rows], the answer, which is only held against decisions already made. false_alarm_rate: where
    to flag; None = as `predict` does. Raises InputError if the rows do not fit the model, or the
    rate cannot be asked for.
    """
    decision = Decision.of(detector, false_alarm_rate)
    scores = None if rows is None else detector.anomaly_score(rows)
    sections = [] if scores is None else [_summary(detector, decision, scores, anomalous)]
    if rows is not None and scores is not None:
        sections += _found(detector, decision, rows, scores, anomalous, top)
    else:
        sections.append(scores_section(detector, decision, None))
        made = generated_section(detector)
        sections += [made] if made else []
    training = training_section(detector)
    sections += [learnt_section(detector, about or {}), *([training] if training else [])]
    lead = "What the model learnt, and how it decides."
    if scores is not None:
        count = f"{len(scores):,} {unit(detector)}"
        lead = f"{count} of {source}, scored by what the model learnt to be normal."
    return Page(f"Anomaly report: {detector.name}", lead, sections, _foot())


def write_model_page(path: str | Path, page: Page) -> None:
    """Raises InputError if the file cannot be written."""
    write_text(Path(path), page.html())


def _found(
    detector: Any,
    decision: Decision,
    rows: Any,
    scores: np.ndarray,
    anomalous: np.ndarray | None,
    top: int,
) -> list[Section]:
    """Everything about the new rows, what matters most to a reader first."""
    flagged = decision.flagged(scores)
    truth = None if anomalous is None else ["anomalous" if one else "normal" for one in anomalous]
    found = [scores_section(detector, decision, scores)]
    if of_tables(detector):
        found.append(anomalies_section(detector, rows, scores, flagged, truth, top=top))
    else:
        found.append(anomalous_images_section(detector, rows, scores, flagged, top=top))
        made = (reconstructed_section(detector, rows, scores, flagged), generated_section(detector))
        found += [section for section in made if section]
    if detector.calibration_ is not None:
        normal = None if anomalous is None else ~anomalous
        found.append(calibration_section(detector, scores, normal))
    if anomalous is not None:
        found.append(judged_section(detector.name, scores, flagged, anomalous))
    return found


def _summary(
    detector: Any, decision: Decision, scores: np.ndarray, anomalous: np.ndarray | None
) -> Section:
    flagged = decision.flagged(scores)
    share = f" ({number(100 * float(flagged.mean()))}\u00a0%)" if len(scores) else ""
    headline = {
        f"{unit(detector)} scored": f"{len(scores):,}",
        "flagged": f"{int(flagged.sum()):,}{share}",
        "flagged above": number(decision.threshold),
        "highest score": number(float(scores.max())) if len(scores) else "–",
    }
    if decision.rate is not None:
        headline["false-alarm rate asked for"] = f"{number(100 * decision.rate)} %"
    return Section("At a glance", [Facts(headline, large=True)])


def _foot() -> str:
    from alad.version import __version__

    return f"Written by alad {__version__}. This file is complete: it loads nothing from elsewhere."
