"""Sections on images: means over classes, class by class, the ablation study, the scores."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import mean

from alad.benchmark import class_tables as tables
from alad.benchmark import published
from alad.benchmark.class_rows import PAPERS_PROTOCOL, ClassRow, class_rows
from alad.benchmark.page import ABLATION_TEXT, BESIDE
from alad.benchmark.published import PublishedMean
from alad.benchmark.results_file import Line
from alad.benchmark.rows import published_as
from alad.benchmark.summary import UNMEASURED
from alad.networks.image_stacks import PUBLISHED_WIDTH
from alad.presets import preset
from alad.report.charts.bars import Compared, Estimate, axis_over, dots
from alad.report.charts.canvas import Chart
from alad.report.page_parts import Block, Figures, Notes, Section, Text

MARKS = "Small dots are normal classes, large ones means over them."
MARKS_BESIDE = f"{MARKS} What was published is over the same classes, or all where we have none."
SCORES_TEXT = (
    "One training, several scores: f(x, x) − f(x, G(E(x))) by its L1 length (features), D_xx's "
    "logit, the residual x − G(E(x)) by L1 and L2; other methods have scores of their own."
)


def images(files: Mapping[str, list[Line]], absent: Sequence[str] = ()) -> list[Section]:
    """Make sections for each benchmark of images and protocol, measured or published.

    files: benchmark -> lines; absent: benchmarks whose official files are not at hand.
    """
    return [
        section
        for name, lines in files.items()
        for _, group in groupby(class_rows(lines, name), lambda row: row.protocol)
        for section in _sections(list(group), name in absent)
    ]


def _sections(rows: list[ClassRow], absent: bool) -> list[Section]:
    """Make the sections of one benchmark and protocol."""
    first = rows[0]
    beside = any(row.published for row in rows)
    other = "" if published.on_images(published_as(first.benchmark)) else " (not of the paper)"
    title = f"{first.benchmark}, protocol {first.protocol}{other}"
    # without measurements only published numbers are shown
    if not any(row.auroc for row in rows):
        why = "its official files are not at hand" if absent else "it has not been asked for"
        text = Text(f"Nothing is measured of it: {why}. {_how_made(first)}")
        return [Section(title, [text, tables.means_table(rows)])] if beside else []
    # over all classes, class by class, and the studies
    overview = [
        Compared(row.detector, (_estimate(row.auroc), _over_same_classes(row)))
        for row in rows
        if row.auroc or row.published
    ]
    chart = dots(f"AUROC by detector, {title}", "AUROC", BESIDE, overview)
    means = [tables.means_table(rows), Figures([chart], MARKS_BESIDE if beside else MARKS)]
    classes = [tables.classes_table(rows), Figures(_class_charts(title, rows))]
    studies = [*_ablation(title, rows), *_scores(title, rows)]
    if not beside:
        return [Section(title, [Text(_how_made(first)), *means, *classes]), *studies]
    missing = lacking(rows)
    last: list[Block] = [Text("What is lacking:"), Notes(missing)] if missing else []
    return [
        Section(title, [Text(_how_published()), Text(_how_made(first)), *means, *last]),
        Section(f"{title}, class by class", classes),
        *studies,
    ]


def _how_made(row: ClassRow) -> str:
    """Say how one protocol is measured."""
    quick = row.benchmark != published_as(row.benchmark)
    return (
        "One class is normal, the others are odd, each class in its turn. It is measured by "
        f"“alad bench {row.benchmark} --protocol {row.protocol}”, which takes "
        f"{'minutes' if quick else 'hours'} on a CPU; “alad bench paper” trains nothing on images "
        "and shows what is there."
    )


def _how_published() -> str:
    """Say how the paper trains on images, and how ours differ."""
    settings = preset("cifar10-paper")
    return (
        f"The paper trains networks of {PUBLISHED_WIDTH} channels after the first halving of an "
        f"image for at most {settings['epochs']} epochs of some {settings['check_every']} steps. "
        "Of ours the row alad-paper does; rows that say fewer channels or steps are reduced, to "
        "what a CPU can bear, and so are runs, of which one is usual. D_xx of the reduced rows "
        "sees its two images as channels of one, the paper's one above the other."
    )


def lacking(rows: Sequence[ClassRow]) -> list[str]:
    """Note the normal classes that rows lack, and those on which scores were not compared."""
    missing: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in rows:
        missing[tuple(name for name in row.classes if name not in row.auroc)].append(row.detector)
    notes = []
    for classes, names in missing.items():
        where = "" if set(classes) == set(rows[0].classes) else f" on {', '.join(classes)}"
        notes += [f"{', '.join(names)}: {UNMEASURED}{where}"] if classes else []
    for row in rows:
        compared = len(row.by_score.get("features", ()))
        if compared < len(row.auroc) and row.published_score("features"):
            count = f"{compared} of {len(row.auroc)} classes"
            notes.append(f"{row.detector}: its scores were compared on {count}")
    return notes


# --- drawings -------------------------------------------------------------------------------------


def _class_charts(title: str, rows: Iterable[ClassRow]) -> list[Chart]:
    """Draw AUROC by class of each row that has published numbers by class."""
    lines = {
        row.detector: [
            Compared(name, tuple(_estimate(values, [name]) for values in (row.auroc, theirs)))
            for name in row.classes
        ]
        for row in rows
        if row.auroc and row.published and (theirs := row.published.by_class)
    }
    axis = axis_over("AUROC", [line for compared in lines.values() for line in compared])
    return [
        dots(f"AUROC by normal class, {name}, {title}", "", BESIDE, compared, axis)
        for name, compared in lines.items()
    ]


def _estimate(values: Mapping[str, float], classes: Sequence[str] | None = None) -> Estimate | None:
    """Average over classes, all with their points or those named; None without any."""
    chosen = tuple(value for name, value in values.items() if classes is None or name in classes)
    return Estimate(mean(chosen), points=chosen if classes is None else ()) if chosen else None


def _over_same_classes(row: ClassRow) -> Estimate | None:
    """Make the published estimate over the classes measured here, or over all if that is all."""
    number, whole = row.published, row.published_over_same
    if number is None or not number.by_class or whole is None:
        return _printed(number)
    points = tuple(value for name, value in number.by_class.items() if name in row.auroc)
    return Estimate(whole, points=points)


def _printed(number: PublishedMean | None) -> Estimate | None:
    return None if number is None else Estimate.around(number.auroc, number.sd)


# --- ablation, scores -----------------------------------------------------------------------------


def _ablation(title: str, rows: list[ClassRow]) -> list[Section]:
    """Show the ablation study where it is published or measured."""
    base = published_as(rows[0].benchmark)
    beside = rows[0].protocol == PAPERS_PROTOCOL and published.mean_of(base, "baseline") is not None
    table = tables.ablation_table(rows, whole=beside)
    if table is None:
        return []
    lines = [
        Compared(
            row.detector,
            (_estimate(row.auroc), _printed(published.mean_of(base, switch)) if beside else None),
        )
        for switch, row in tables.ablation_rows(rows).items()
    ]
    drawn = Figures([dots(f"Ablation, {title}", "AUROC", BESIDE, lines)])
    return [Section(f"{title}, ablation", [Text(ABLATION_TEXT), table, drawn])]


def _scores(title: str, rows: list[ClassRow]) -> list[Section]:
    """Show the scores of one training, if they were measured."""
    table = tables.scores_table(rows)
    if table is None:
        return []
    charts = []
    for row in rows:
        if row.by_score and row.published_score("features"):
            lines = [
                Compared(name, (_estimate(classes), _printed(row.published_score(name))))
                for name, classes in row.by_score.items()
            ]
            charts.append(dots(f"AUROC by score, {row.detector}, {title}", "AUROC", BESIDE, lines))
    blocks = [Text(SCORES_TEXT), table, Figures(charts)]
    return [Section(f"{title}, scores of one training", blocks)]
