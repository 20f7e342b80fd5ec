"""The section on inference times: milliseconds a batch, and how much longer AnoGAN takes."""

from collections.abc import Iterable, Mapping, Sequence

from alad.benchmark import published
from alad.benchmark.page import timing_chart
from alad.benchmark.results_file import Line, measured
from alad.benchmark.rows import published_as
from alad.benchmark.summary import UNMEASURED, group_by
from alad.benchmark.timing import Bench
from alad.report.charts.bars import Estimate
from alad.report.page_parts import Figures, Notes, Section, Text
from alad.report.tables import Table

TITLE = "Inference time"
PLAIN = "anogan, plain"
ALONE = f"{PLAIN}, a row at a time"
ENCODING = "alad, encoding its rows"
WHOLE = {"alad", "anogan", PLAIN, ALONE, ENCODING}
TEXT = (
    "Both answer the same encoded rows with the published networks. AnoGAN is the plain program: "
    "500 steps by autograd and PyTorch's Adam, the whole batch at once, as it was run for the "
    "paper. The package's own search, of tables in C, gives the same losses. Published times are "
    "those of a graphics card, ours those of the machine named below: ratios can be compared."
)
Times = Mapping[str, Line]  # name of what was timed -> its newest line


def inference_times(lines: Iterable[Line], benches: Sequence[Bench] = ()) -> list[Section]:
    """Show milliseconds a batch and their ratio, beside what was published.

    benches: what is to be timed; those that were not are noted.
    """
    lines = measured(lines)
    tables: dict[str, Times] = {
        name: {line["detector"]: line for line in group.lines}
        for (name,), group in group_by(lines, "benchmark").items()
    }
    whole = {name: times for name, times in tables.items() if times.keys() >= WHOLE}
    notes = [note for name, times in whole.items() for note in _stand_ins(name, times)]
    notes += lacking(benches, lines)
    if not whole:
        return [Section(TITLE, [Notes(notes)])] if notes else []
    columns = [_column(name, times) for name, times in whole.items()]
    body = [(head, *(column[head] for column in columns)) for head in columns[0]]
    caption = "Median of the batches, warm-up excluded, one run; milliseconds"
    charts = [
        timing_chart(f"{TITLE}, {name}", _times(name, times)) for name, times in whole.items()
    ]
    table = Table(caption, ("", *whole), body, notes, live=False)
    return [Section(TITLE, [Text(TEXT), table, Figures(charts)])]


def lacking(benches: Sequence[Bench], lines: Iterable[Line]) -> list[str]:
    """Note the tables whose batches were not timed."""
    timed = {line["benchmark"] for line in measured(lines)}
    return [f"{bench.benchmark}: {UNMEASURED}" for bench in benches if bench.benchmark not in timed]


def _published_times() -> dict[str, dict[str, float]]:
    """Read the published milliseconds by data set and detector."""
    return {row["data"]: row for row in published.content()["inference_ms_per_batch"]["rows"]}


def ratio(times: Times, of: str = PLAIN) -> float:
    """Divide the time of AnoGAN, or of another method, for a batch by that of ALAD."""
    return times[of]["milliseconds"] / times["alad"]["milliseconds"]


def _column(benchmark: str, times: Times) -> dict[str, str]:
    """Make the column of one benchmark: the row's name -> its cell."""
    theirs = _published_times().get(published_as(benchmark))
    ms = {name: line["milliseconds"] for name, line in times.items()}
    rows = times["anogan"]["batch_rows"]
    return {
        "rows a batch": str(rows),
        "ALAD, a batch": f"{ms['alad']:.2f}",
        "ALAD, published": f"{theirs['alad']:g}" if theirs else "",
        "AnoGAN, a batch": f"{ms[PLAIN]:,.1f}",
        "AnoGAN, published": f"{theirs['anogan']:,}" if theirs else "",
        "AnoGAN / ALAD": f"{ratio(times):,.0f}",
        "the same, published": f"{theirs['anogan'] / theirs['alad']:,.0f}" if theirs else "",
        "AnoGAN by our own search, a batch": f"{ms['anogan']:,.1f}",
        "AnoGAN by our own search / ALAD": f"{ratio(times, 'anogan'):,.0f}",
        "AnoGAN, each row alone: a row": f"{ms[ALONE]:,.0f}",
        "AnoGAN, in a batch: a row": f"{ms[PLAIN] / rows:,.1f}",
        "AnoGAN by our own search, in a batch: a row": f"{ms['anogan'] / rows:,.1f}",
        "AnoGAN alone / by our own search in a batch": (
            f"{ms[ALONE] / (ms['anogan'] / rows):,.0f}"
        ),
        "ALAD with the table's encoding, a batch": f"{ms[ENCODING]:.2f}",
    }


def _stand_ins(benchmark: str, times: Times) -> list[str]:
    """Note random images in place of the data, and searches of which a part was timed."""
    notes = []
    if images := times["alad"].get("random_images"):
        size, other = " × ".join(map(str, images)), _published_times()["svhn"]
        notes = [
            f"{benchmark}: random images of {size} and weights before training, as time depends "
            "neither on what an image shows nor on what was learnt",
            "svhn has the same networks and size of images; published "
            f"{other['anogan']:,} and {other['alad']:g} ms",
        ]
    if searched := times[PLAIN].get("search_steps_timed"):
        whole = times[PLAIN]["search_steps"]
        notes.append(
            f"{benchmark}: {searched} of AnoGAN's {whole} steps were timed; they, and what a "
            f"search does once, count {whole / searched:g} times"
        )
    return notes


def _times(benchmark: str, times: Times) -> dict[str, tuple[Estimate, Estimate | None]]:
    """List what the chart draws: name -> (measured here, published)."""
    theirs = _published_times().get(published_as(benchmark), {})
    return {
        name: (
            Estimate(*(times[name][end] for end in ("milliseconds", "fastest", "slowest"))),
            Estimate(theirs[method]) if method in theirs else None,
        )
        for name, method in {"alad": "alad", PLAIN: "anogan", "anogan": ""}.items()
    }
