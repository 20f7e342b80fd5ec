"""Sections on images: means over classes and class by class, the ablation, the scores."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import mean

from alad.benchmark import one_class_sheets as tables
from alad.benchmark import published
from alad.benchmark.one_class import AS_PUBLISHED, ClassRow, class_rows
from alad.benchmark.page import ABLATION_TEXT, BESIDE, sheet_blocks
from alad.benchmark.published import PublishedMean
from alad.benchmark.results_file import Line
from alad.benchmark.rows import published_as
from alad.networks.stacks import PUBLISHED_WIDTH
from alad.paper import lacking
from alad.presets import preset
from alad.report.axes import Axis
from alad.report.bars import Compared, Estimate, bars
from alad.report.blocks import Block, Figures, Notes, Section, Text
from alad.report.canvas import Chart

NAME = "AUROC"
MARKS = "Small dots are normal classes, large ones means over them."
MARKS_BESIDE = f"{MARKS} What was published is over the same classes, or all where we have none."
SCORES_TEXT = (
    "One training, several scores: f(x, x) − f(x, G(E(x))) by its L1 length (features), D_xx's "
    "logit, the residual x − G(E(x)) by L1 and L2; other methods have scores of their own."
)


def images(ledgers: Mapping[str, list[Line]], absent: Sequence[str] = ()) -> list[Section]:
    """For each benchmark of images and protocol of which there are lines; and for each of the
    paper. absent: those whose official files are not at hand.
    """
    return [
        section
        for name, lines in ledgers.items()
        for _, own in groupby(class_rows(lines, name), lambda row: row.protocol)
        for section in _sections(list(own), name in absent)
    ]


def _sections(rows: list[ClassRow], absent: bool) -> list[Section]:
    one = rows[0]
    beside = any(row.published for row in rows)
    strange = "" if published.on_images(published_as(one.benchmark)) else " (not of the paper)"
    title = f"{one.benchmark}, protocol {one.protocol}{strange}"
    if not any(row.auroc for row in rows):
        return [_unmeasured(title, rows, absent)] if beside else []
    drawn = Figures([_overview(title, rows)], MARKS_BESIDE if beside else MARKS)
    table = [*sheet_blocks(tables.means(rows)), drawn]
    pairs = _pairs(title, rows)
    classes = [*sheet_blocks(tables.by_class(rows)), *([Figures(pairs)] if pairs else [])]
    more = [*_ablation(title, rows), *_scores(title, rows)]
    if not beside:
        return [Section(title, [Text(_how_made(one)), *table, *classes]), *more]
    missing = lacking.of_classes(rows)
    last: list[Block] = [Text("What is lacking:"), Notes(missing)] if missing else []
    return [
        Section(title, [Text(_published_how()), Text(_how_made(one)), *table, *last]),
        Section(f"{title}, class by class", classes),
        *more,
    ]


def _unmeasured(title: str, rows: list[ClassRow], absent: bool) -> Section:
    why = "its official files are not at hand" if absent else "it has not been asked for"
    text = f"Nothing is measured of it: {why}. {_how_made(rows[0])}"
    return Section(title, [Text(text), *sheet_blocks(tables.means(rows))])


def _how_made(one: ClassRow) -> str:
    quick = one.benchmark != published_as(one.benchmark)
    return (
        "One class is normal, the others are odd, each class in its turn. It is measured by "
        f"“alad bench {one.benchmark} --protocol {one.protocol}”, which takes "
        f"{'minutes' if quick else 'hours'} on a CPU; “alad bench paper” trains nothing on images "
        "and shows what is there."
    )


def _published_how() -> str:
    own = preset("cifar10-paper")
    return (
        f"The paper trains networks of {PUBLISHED_WIDTH} channels after the first halving of an "
        f"image for at most {own['epochs']} epochs of some {own['check_every']} steps. Of ours the "
        "row alad-paper does; rows that say fewer channels or steps are reduced, to what a CPU can "
        "bear, and so are runs, of which one is usual. D_xx of the reduced rows sees its two "
        "images as channels of one, the paper's one above the other."
    )


# --- drawings -------------------------------------------------------------------------------------


def _overview(title: str, rows: Iterable[ClassRow]) -> Chart:
    """Each detector's classes and their mean, beside the published mean."""
    lines = [
        Compared(row.detector, (_estimate(row.auroc), _published(row)))
        for row in rows
        if row.auroc or row.published
    ]
    return _dots(f"{NAME} by detector, {title}", lines)


def _pairs(title: str, rows: Iterable[ClassRow]) -> list[Chart]:
    """Class by class, what was published beside it: a drawing for each row that has both."""
    found = {
        row.detector: [
            Compared(each, (_point(row.auroc.get(each)), _point(known.by_class.get(each))))
            for each in row.classes
        ]
        for row in rows
        for known in [row.published]
        if row.auroc and known and known.by_class
    }
    axis = _axis([line for lines in found.values() for line in lines])
    return [
        _dots(f"{NAME} by normal class, {name}, {title}", lines, axis)
        for name, lines in found.items()
    ]


def _dots(title: str, lines: Sequence[Compared], axis: Axis | None = None) -> Chart:
    series = BESIDE if any(line.values[1] for line in lines) else BESIDE[:1]
    kept = [Compared(line.label, line.values[: len(series)]) for line in lines]
    return bars(title, axis or _axis(lines), series, kept, as_dots=True)


def _axis(lines: Iterable[Compared]) -> Axis:
    known = [one for line in lines for one in line.values if one]
    ends = [end for one in known for end in (one.low, one.high, one.value, *one.points)]
    return Axis.over(NAME, [end for end in ends if end is not None]).rounded()


def _point(value: float | None) -> Estimate | None:
    return None if value is None else Estimate(value)


def _estimate(classes: Mapping[str, float]) -> Estimate | None:
    values = tuple(classes.values())
    return Estimate(mean(values), points=values) if values else None


def _published(row: ClassRow) -> Estimate | None:
    """Over the classes that we have measured, if any; its deviation where none could be read."""
    known = row.published
    if known is None or not known.by_class:
        return _printed(known)
    points = tuple(value for each, value in known.by_class.items() if each in row.auroc)
    whole = tables.same_classes(row)
    return Estimate(whole, points=points) if whole else _printed(known)


def _printed(number: PublishedMean | None) -> Estimate | None:
    return None if number is None else Estimate.around(number.auroc, number.sd)


# --- ablation, scores -----------------------------------------------------------------------------


def _ablation(title: str, rows: list[ClassRow]) -> list[Section]:
    """Of ALAD's paper, measured or not; elsewhere if there is something of it."""
    base, protocol = published_as(rows[0].benchmark), rows[0].protocol
    known = protocol == AS_PUBLISHED and published.mean_of(base, "baseline") is not None
    sheet = tables.ablation_sheet(rows) if known else tables.ablation(rows)
    if sheet is None:
        return []
    lines = [
        Compared(
            row.detector,
            (_estimate(row.auroc), _printed(published.mean_of(base, switch)) if known else None),
        )
        for switch, row in tables.ablation_rows(rows).items()
    ]
    drawn = Figures([_dots(f"Ablation, {title}", lines)])
    return [Section(f"{title}, ablation", [Text(ABLATION_TEXT), *sheet_blocks(sheet), drawn])]


def _scores(title: str, rows: list[ClassRow]) -> list[Section]:
    sheet = tables.scores(rows)
    if sheet is None:
        return []
    charts = [
        _dots(
            f"{NAME} by score, {row.detector}, {title}",
            [
                Compared(name, (_estimate(own), _printed(tables.published_score(row, name))))
                for name, own in row.by_score.items()
            ],
        )
        for row in rows
        if row.by_score and tables.published_score(row, "features")
    ]
    blocks = [Text(SCORES_TEXT), *sheet_blocks(sheet), *([Figures(charts)] if charts else [])]
    return [Section(f"{title}, scores of one training", blocks)]
