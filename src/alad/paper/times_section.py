"""The section on inference times: milliseconds a batch, and how many times longer AnoGAN takes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from alad.benchmark import published
from alad.benchmark.page import timing_chart
from alad.benchmark.results_file import Line, measured
from alad.benchmark.rows import published_as
from alad.report.bars import Estimate
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
    told = [*(note for name, own in whole.items() for note in _told(name, own)), *lacking]
    notes = [Notes(told)] if told else []
    if not whole:
        return [Section(TITLE, notes)] if notes else []
    columns = [_column(name, own) for name, own in whole.items()]
    body = [(told, *(column[told] for column in columns)) for told in columns[0]]
    caption = "Median of the batches, warm-up excluded, one run; milliseconds"
    text = (
        "Both answer the same encoded rows with the published networks. AnoGAN is the plain "
        "program: 500 steps by autograd and PyTorch's Adam, the whole batch at once, as it was run "
        "for the paper. The package's own search, of tables in C, gives the same losses. Published "
        "times are those of a graphics card, ours those of the machine named below: ratios can be "
        "compared."
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
        "ALAD, published": f"{known['alad']:g}" if known else "",
        "AnoGAN, a batch": f"{ms[PLAIN]:,.1f}",
        "AnoGAN, published": f"{known['anogan']:,}" if known else "",
        "AnoGAN / ALAD": f"{ratio(own):,.0f}",
        "the same, published": f"{known['anogan'] / known['alad']:,.0f}" if known else "",
        "AnoGAN by our own search, a batch": f"{ms['anogan']:,.1f}",
        "AnoGAN by our own search / ALAD": f"{ratio(own, 'anogan'):,.0f}",
        "AnoGAN, each row alone: a row": f"{ms[ALONE]:,.0f}",
        "AnoGAN, in a batch: a row": f"{ms[PLAIN] / rows:,.1f}",
        "AnoGAN by our own search, in a batch: a row": f"{ms['anogan'] / rows:,.1f}",
        "AnoGAN alone / by our own search in a batch": (
            f"{ms[ALONE] / (ms['anogan'] / rows):,.0f}"
        ),
        "ALAD with the table's encoding, a batch": f"{ms[ENCODING]:.2f}",
    }


def _told(benchmark: str, own: Times) -> list[str]:
    """What stood in for the data, and for a whole search; other data of the same networks."""
    images, searched = own["alad"].get("random_images"), own[PLAIN].get("search_steps_timed")
    found = []
    if images:
        size = " × ".join(map(str, images))
        found.append(
            f"{benchmark}: random images of {size} and weights before training, as time depends "
            "neither on what an image shows nor on what was learnt"
        )
        found += [
            f"{name} has the same networks and size of images; published {row['anogan']:,} and "
            f"{row['alad']:g} ms"
            for row in published.content()["inference_ms_per_batch"]["rows"]
            for name in [row["data"]]
            if name == "svhn"
        ]
    if searched:
        whole = own[PLAIN]["search_steps"]
        found.append(
            f"{benchmark}: {searched} of AnoGAN's {whole} steps were timed; they, and what a "
            f"search does once, count {whole / searched:g} times"
        )
    return found


def _times(benchmark: str, own: Times):
    known = _published_times(benchmark)
    return {
        name: (
            Estimate(own[name]["milliseconds"], own[name]["fastest"], own[name]["slowest"]),
            Estimate(known[told]) if told in known else None,
        )
        for name, told in {"alad": "alad", PLAIN: "anogan", "anogan": ""}.items()
    }
