"""The section on inference times: milliseconds a batch, and how many times longer AnoGAN takes."""

from collections import defaultdict
from collections.abc import Iterable

from alad import published
from alad.benchmark.ledger import Line, measured
from alad.benchmark.rows import published_as
from alad.report.bars import Estimate
from alad.report.benchmark_page import timing_chart
from alad.report.blocks import Figures, Rows, Section


def inference_times(lines: Iterable[Line]) -> list[Section]:
    """Milliseconds a batch and their ratio, which is what another machine can be held against."""
    tables: dict[str, dict[str, Line]] = defaultdict(dict)
    for line in measured(list(lines)):
        tables[line["benchmark"]][line["detector"]] = line
    whole = {name: own for name, own in tables.items() if {"alad", "anogan"} <= own.keys()}
    if not whole:
        return []
    heads = (
        *("table", "rows a batch", "ALAD ms", "AnoGAN ms", "AnoGAN / ALAD", "published ratio"),
        "AnoGAN a row, alone / in a batch",
    )
    body = [_time_row(name, own) for name, own in whole.items()]
    caption = "Median of the batches, warm-up excluded, one run"
    charts = [
        timing_chart(f"Inference time, {name}", _times(name, own)) for name, own in whole.items()
    ]
    numeric = frozenset(range(1, len(heads)))
    return [Section("Inference time", [Rows(heads, body, caption, numeric), Figures(charts)])]


def _published_times(benchmark: str) -> dict[str, float]:
    table = published.content()["inference_ms_per_batch"]["rows"]
    found = [row for row in table if row["data"] == published_as(benchmark)]
    return {name: found[0][name] for name in ("alad", "anogan")} if found else {}


def ratio(own: dict[str, Line]) -> float:
    """How many times longer AnoGAN takes for a batch than ALAD."""
    return own["anogan"]["milliseconds"] / own["alad"]["milliseconds"]


def _time_row(benchmark: str, own: dict[str, Line]) -> tuple[str, ...]:
    known = _published_times(benchmark)
    alone = next((line for name, line in own.items() if name.startswith("anogan, ")), None)
    rows = own["anogan"]["batch_rows"]
    gain = alone["milliseconds"] * rows / own["anogan"]["milliseconds"] if alone else None
    return (
        benchmark,
        str(rows),
        f"{own['alad']['milliseconds']:.2f}",
        f"{own['anogan']['milliseconds']:.1f}",
        f"{ratio(own):.0f}",
        f"{known['anogan'] / known['alad']:.0f}" if known else "",
        "" if gain is None else f"{gain:.1f}",
    )


def _times(benchmark: str, own: dict[str, Line]):
    known = _published_times(benchmark)
    return {
        name: (
            Estimate(own[name]["milliseconds"], own[name]["fastest"], own[name]["slowest"]),
            Estimate(known[name]) if known else None,
        )
        for name in ("alad", "anogan")
    }
