"""The section on inference times: milliseconds a batch, and how many times longer AnoGAN takes."""

from collections import defaultdict
from collections.abc import Iterable

from alad import published
from alad.benchmark.ledger import Line, measured
from alad.benchmark.rows import published_as
from alad.report.bars import Estimate
from alad.report.benchmark_page import timing_chart
from alad.report.blocks import Figures, Rows, Section, Text

PLAIN = "anogan, plain"


def inference_times(lines: Iterable[Line]) -> list[Section]:
    """Milliseconds a batch and their ratio, which is what another machine can be held against."""
    tables: dict[str, dict[str, Line]] = defaultdict(dict)
    for line in measured(list(lines)):
        tables[line["benchmark"]][line["detector"]] = line
    whole = {name: own for name, own in tables.items() if {"alad", "anogan", PLAIN} <= own.keys()}
    if not whole:
        return []
    heads = (
        *("table", "rows a batch", "ALAD ms", "AnoGAN ms", "AnoGAN / ALAD", "published ratio"),
        *(
            "AnoGAN in C ms",
            "in C / ALAD",
            "AnoGAN ms a row: plain, alone; plain, in a batch; in C, in a batch",
            "ALAD ms with encoding",
        ),
    )
    body = [_time_row(name, own) for name, own in whole.items()]
    caption = "Median of the batches, warm-up excluded, one run"
    text = (
        "Both answer the same encoded rows with the published networks. AnoGAN is the plain "
        "program: 500 steps by autograd and PyTorch's Adam, the whole batch at once, as it was run "
        "for the paper. The package's own search, in C, gives the same losses sooner."
    )
    charts = [
        timing_chart(f"Inference time, {name}", _times(name, own)) for name, own in whole.items()
    ]
    numeric = frozenset(range(1, len(heads)))
    return [
        Section(
            "Inference time", [Text(text), Rows(heads, body, caption, numeric), Figures(charts)]
        )
    ]


def _published_times(benchmark: str) -> dict[str, float]:
    table = published.content()["inference_ms_per_batch"]["rows"]
    found = [row for row in table if row["data"] == published_as(benchmark)]
    return {name: found[0][name] for name in ("alad", "anogan")} if found else {}


def ratio(own: dict[str, Line], of: str = PLAIN) -> float:
    """How many times longer AnoGAN takes for a batch than ALAD."""
    return own[of]["milliseconds"] / own["alad"]["milliseconds"]


def _time_row(benchmark: str, own: dict[str, Line]) -> tuple[str, ...]:
    known = _published_times(benchmark)
    rows, alone = own["anogan"]["batch_rows"], own[f"{PLAIN}, a row at a time"]["milliseconds"]
    return (
        benchmark,
        str(rows),
        f"{own['alad']['milliseconds']:.2f}",
        f"{own[PLAIN]['milliseconds']:.1f}",
        f"{ratio(own):,.0f}",
        f"{known['anogan'] / known['alad']:.0f}" if known else "",
        f"{own['anogan']['milliseconds']:.1f}",
        f"{ratio(own, 'anogan'):,.0f}",
        f"{alone:.0f}; {own[PLAIN]['milliseconds'] / rows:.1f}; "
        f"{own['anogan']['milliseconds'] / rows:.1f}",
        f"{own['alad, encoding its rows']['milliseconds']:.2f}",
    )


def _times(benchmark: str, own: dict[str, Line]):
    known = _published_times(benchmark)
    return {
        name: (
            Estimate(own[name]["milliseconds"], own[name]["fastest"], own[name]["slowest"]),
            Estimate(known[told]) if told in known else None,
        )
        for name, told in {"alad": "alad", PLAIN: "anogan", "anogan": None}.items()
    }
