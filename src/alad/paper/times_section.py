"""The section on inference times: milliseconds a batch, and how many times longer AnoGAN takes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from alad import published
from alad.benchmark.ledger import Line, measured
from alad.benchmark.rows import published_as
from alad.report.bars import Estimate
from alad.report.benchmark_page import timing_chart
from alad.report.blocks import Figures, Notes, Rows, Section, Text

TITLE = "Inference time"
PLAIN = "anogan, plain"
ALONE = f"{PLAIN}, a row at a time"
ENCODING = "alad, encoding its rows"
WHOLE = {"alad", "anogan", PLAIN, ALONE, ENCODING}
Times = dict[str, Line]  # what was timed -> its newest line


def inference_times(lines: Iterable[Line], lacking: Sequence[str]) -> list[Section]:
    """Milliseconds a batch and their ratio, which is what another machine can be held against.

    lacking: what has not been timed.
    """
    tables: dict[str, Times] = defaultdict(dict)
    for line in measured(list(lines)):
        tables[line["benchmark"]][line["detector"]] = line
    whole = {name: own for name, own in tables.items() if own.keys() >= WHOLE}
    notes = [Notes(lacking)] if lacking else []
    if not whole:
        return [Section(TITLE, notes)] if notes else []
    columns = [_column(name, own) for name, own in whole.items()]
    body = [(told, *(column[told] for column in columns)) for told in columns[0]]
    caption = "Median of the batches, warm-up excluded, one run; milliseconds"
    text = (
        "Both answer the same encoded rows with the published networks. AnoGAN is the plain "
        "program: 500 steps by autograd and PyTorch's Adam, the whole batch at once, as it was run "
        "for the paper. The package's own search, in C, gives the same losses sooner."
    )
    charts = [timing_chart(f"{TITLE}, {name}", _times(name, own)) for name, own in whole.items()]
    table = Rows(("", *whole), body, caption, frozenset(range(1, len(whole) + 1)))
    return [Section(TITLE, [Text(text), table, Figures(charts), *notes])]


def _published_times(benchmark: str) -> dict[str, float]:
    table = published.content()["inference_ms_per_batch"]["rows"]
    found = [row for row in table if row["data"] == published_as(benchmark)]
    return {name: found[0][name] for name in ("alad", "anogan")} if found else {}


def ratio(own: Times, of: str = PLAIN) -> float:
    """How many times longer AnoGAN takes for a batch than ALAD."""
    return own[of]["milliseconds"] / own["alad"]["milliseconds"]


def _column(benchmark: str, own: Times) -> dict[str, str]:
    """What is said of one table: the row's head -> its cell."""
    known = _published_times(benchmark)
    ms = {name: line["milliseconds"] for name, line in own.items()}
    rows = own["anogan"]["batch_rows"]
    return {
        "rows a batch": str(rows),
        "ALAD, a batch": f"{ms['alad']:.2f}",
        "AnoGAN, a batch": f"{ms[PLAIN]:.1f}",
        "AnoGAN / ALAD": f"{ratio(own):,.0f}",
        "the same, published": f"{known['anogan'] / known['alad']:.0f}" if known else "",
        "AnoGAN by our search in C, a batch": f"{ms['anogan']:.1f}",
        "AnoGAN in C / ALAD": f"{ratio(own, 'anogan'):,.0f}",
        "AnoGAN, each row alone: a row": f"{ms[ALONE]:.0f}",
        "AnoGAN, in a batch: a row": f"{ms[PLAIN] / rows:.1f}",
        "AnoGAN in C, in a batch: a row": f"{ms['anogan'] / rows:.1f}",
        "AnoGAN alone / in C in a batch": f"{ms[ALONE] / (ms['anogan'] / rows):,.0f}",
        "ALAD with the table's encoding, a batch": f"{ms[ENCODING]:.2f}",
    }


def _times(benchmark: str, own: Times):
    known = _published_times(benchmark)
    return {
        name: (
            Estimate(own[name]["milliseconds"], own[name]["fastest"], own[name]["slowest"]),
            Estimate(known[told]) if told in known else None,
        )
        for name, told in {"alad": "alad", PLAIN: "anogan", "anogan": ""}.items()
    }
