"""What a model learnt, from what, and how: sections of its page."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from alad import catalogue
from alad.report.charts.axes import Axis, number
from alad.report.charts.canvas import Chart
from alad.report.charts.histograms import Quantiles
from alad.report.charts.lines import Rule, Series, plot
from alad.report.model.manifest import column_facts, learnt
from alad.report.page_parts import Block, Facts, Figures, Section, Text
from alad.report.tables import Table

SIDES = ("discriminators", "encoder and generator")  # an adversarial game's two losses


def learnt_section(detector: Any, about: Mapping[str, str]) -> Section:
    """Show the model in numbers, its settings, and what every column is read as.

    about: more facts, such as when it was saved.
    """
    training, encoder = detector.training_, detector.encoder_.state()
    headline = {
        "detector": detector.name,
        "learnt from": learnt(training, detector.encoder_.unit),
        **_width(encoder),
        "seconds to fit": number(float(training["seconds"])),
    }
    summary = catalogue.declared(detector.name).constants["summary"]
    facts = {**about, **_settings(detector)}
    blocks: list[Block] = [Text(f"{summary[:1].upper()}{summary[1:]}.")]
    blocks += [Facts(headline, large=True), Facts(facts)]
    blocks += [_columns(encoder)] if of_tables(detector) else []
    return Section("What was learnt, and from what", blocks)


def of_tables(detector: Any) -> bool:
    """Return whether it is a detector of tables, whose encoder has columns, not of images."""
    return "codes" in detector.encoder_.state()


def unit(detector: Any) -> str:
    """Name what it scores: "rows" or "images"."""
    return f"{detector.encoder_.unit}s"


def _width(encoder: Mapping[str, Any]) -> dict[str, str]:
    """State the columns in use, or the shape of an image."""
    if "backbone" in encoder:
        what = "features of a patch" if len(encoder["shape"]) > 1 else "features of an image"
        return {what: f"{encoder['shape'][-1]}"}
    if "codes" not in encoder:
        return {"pixels of an image": " × ".join(map(str, encoder["shape"]))}
    read, names = len(encoder["codes"]), len(encoder["names"])
    return {"columns used": f"{read}" if read == names else f"{read} of {names}"}


def _settings(detector: Any) -> dict[str, str]:
    """List the parameters, those that differ from their defaults first."""
    defaults = catalogue.declared(detector.name).parameters
    chosen, usual = {}, {}
    for name, value in sorted(detector.params.items()):
        if name in defaults and _value(value) == _value(defaults[name].default):
            usual[name] = f"{_value(value)} (default)"
        else:
            chosen[name] = _value(value)
    return chosen | usual


def _value(value: Any) -> str:
    """Write a parameter's value."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _columns(encoder: Mapping[str, Any]) -> Table:
    """List the columns of the training table by what they are read as."""
    codes = {code["name"]: code for code in encoder["codes"]}
    kinds: dict[str, list[str]] = {}
    for name in encoder["names"]:
        kind, detail = column_facts(codes.get(name))
        kinds.setdefault(kind, []).append(f"{name} ({detail})" if detail else name)
    rows = [(kind, f"{len(names)}", ", ".join(names)) for kind, names in kinds.items()]
    heads = ("read as", "columns", "names")
    return Table("Columns of the table", heads, rows, left=(0, 2), live=False)


# --- training -------------------------------------------------------------------------------------


def training_section(detector: Any) -> Section | None:
    """Show losses and stopping signal over the steps; None for a training without steps."""
    training = detector.training_
    if "steps" not in training:
        return None
    history = training.get("history") or []
    if not history:
        words = "The networks are as they were drawn at random: no step of training was made."
        return Section("How it was trained", [Text(words, "alarm")])
    charts = [_losses(training)]
    if "monitor" in history[-1]:
        charts.append(_signal(training))
    return Section("How it was trained", [Text(_steps_made(detector)), Figures(charts)])


def _steps_made(detector: Any) -> str:
    """Say how many steps were made, and of which the weights are kept."""
    training = detector.training_
    steps, best = training["steps"], training.get("best_step", [])
    most = detector.params.get("max_steps")
    text = f"It was trained for {steps:,} steps"
    if most is not None and steps < most:
        text += f" of at most {most:,}: the stopping signal no longer improved"
    text += "."
    if "monitor" not in training["history"][-1] or not best:
        return f"{text} There was no stopping signal: the last weights are kept."
    members = f" (members between {min(best):,} and {max(best):,})" if len(set(best)) > 1 else ""
    kept = f"The weights of step {int(np.median(best)):,} are kept{members}, where the stopping"
    what, part = ("rows", "columns") if of_tables(detector) else ("images", "cells of a grid")
    return (
        f"{text} {kept} signal was lowest. The signal compares held-out {what} with twins of which "
        f"half the {part} come from other {what}; it reads no labels."
    )


def _chart(title: str, training: Mapping[str, Any], y: Axis, series: list[Series]) -> Chart:
    """Draw lines over the steps, and the step whose weights are kept."""
    steps = Axis("step", 0.0, float(max(series[0].x[-1], 1)))
    best = training.get("best_step") or []
    name = "weights kept" if len(set(best)) == 1 else "weights kept, in the middle"
    kept = [Rule(name, float(np.median(best)))] if best else []
    return plot(title, steps, y.rounded(), series, kept)


def _losses(training: Mapping[str, Any]) -> Chart:
    """Draw each loss of the training over the steps."""
    history = training["history"]
    at = [entry["step"] for entry in history]
    losses = np.array([entry["loss"] for entry in history])  # [checks, members, kinds]
    count = losses.shape[2]
    names = {1: ("loss",), 2: SIDES}.get(count, [f"loss {kind}" for kind in range(1, count + 1)])
    kinds = zip(names, losses.transpose(2, 0, 1), strict=True)
    lines = [_members(name, at, values, tone) for tone, (name, values) in enumerate(kinds, 1)]
    series = [line for members in lines for line in members]
    return _chart("Losses", training, Axis.over("loss", losses), series)


def _signal(training: Mapping[str, Any]) -> Chart:
    """Draw the stopping signal over the steps."""
    history = [entry for entry in training["history"] if "monitor" in entry]
    at = [entry["step"] for entry in history]
    values = np.array([entry["monitor"] for entry in history])  # [checks, members]
    y = Axis.over("signal, lower is better", values)
    return _chart("Stopping signal", training, y, _members("stopping signal", at, values, 3))


def _members(name: str, at: list[int], values: np.ndarray, tone: int) -> list[Series]:
    """Draw each member of `values` [checks, members] faintly, and their mean."""
    if values.shape[1] == 1:
        return [Series(name, at, values[:, 0], tone)]
    single = [Series("", at, member, tone, faint=True) for member in values.T]
    return [*single, Series(f"{name}, mean of {len(single)}", at, values.mean(axis=1), tone)]


# --- scores -------------------------------------------------------------------------


def training_scores(detector: Any) -> Quantiles | None:
    """Read the quantiles of the training rows' scores, where the model has them."""
    kept = detector.training_.get("scores")
    return Quantiles(np.array(kept["quantiles"]), kept["rows"]) if kept else None
