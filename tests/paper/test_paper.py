"""The page of the paper: verdicts by hand, reasons that belong to rows, and its parts."""

import dataclasses

import pytest

from alad import paper
from alad.benchmark import Result, Spread, run, score_curves
from alad.benchmark.cells import cells
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.published import Published
from alad.benchmark.rows import BENCHMARKS, rows_of
from alad.errors import InputError
from alad.paper import page, reasons, scores_section, times_section
from alad.paper.plan import FULL, QUICK, Plan
from alad.paper.verdicts import UNEXPLAINED, beside_published, verdicts


def row(f1, published, *, sd=0.01, published_sd=None, detector="alad", protocol="paper", notes=()):
    number = Published("kdd99", "M", published, published_sd, "verified")
    measures = {"f1": Spread(f1, sd, 3)}
    return Result("kdd99", protocol, detector, True, measures, None, 1, 1, number, notes)


@pytest.mark.parametrize(
    ("own", "within"),
    [
        (row(0.95, 0.94, published_sd=0.02), True),
        (row(0.95, 0.94, sd=0.5, published_sd=0.005), False),  # the published spread counts
        (row(0.95, 0.94, sd=0.02), True),  # where there is none, ours
        (row(0.95, 0.94, sd=None), False),
    ],
)
def test_within_the_published_spread_or_not(own, within):
    (verdict,) = verdicts([own])
    assert verdict.within is within and verdict.difference == pytest.approx(0.01)
    assert (verdict.why == ()) is within


def test_far_off_within_a_wide_spread_of_ours_needs_a_reason_too():
    (wide,) = verdicts([row(0.8, 0.9, sd=0.2)])
    assert wide.within and wide.why == (reasons.ALADS_SETTINGS,)
    (printed,) = verdicts([row(0.8, 0.9, published_sd=0.2)])
    assert printed.within and printed.why == ()
    text = beside_published([wide, printed])[0].markdown()
    assert "| within ours |" in text and "| within |" in text


def test_why_is_told_from_the_data_and_the_numbers():
    (known,) = verdicts([row(0.5, 0.9)])
    assert known.why == (reasons.ALADS_SETTINGS,)
    (unknown,) = verdicts([row(0.5, 0.9, detector="new")])
    assert unknown.why == (UNEXPLAINED,)
    (impossible,) = verdicts([row(0.5, 0.9, detector="new", notes=("cannot be right: P …",))])
    assert impossible.why == ("cannot be right: P …",)
    assert verdicts([row(0.5, 0.9, protocol="clean")]) == []


def test_a_row_that_was_not_measured_is_listed_and_not_judged():
    absent = dataclasses.replace(row(0.0, 0.9), measures={})
    measured = row(0.9, 0.9, detector="knn")
    (verdict, other) = verdicts([absent, measured])
    assert (verdict.difference, verdict.within, verdict.why) == (None, False, ())
    assert verdict.as_json()["f1"] is None
    told = beside_published([verdict, other])[0].markdown()
    assert "1 of 1 rows" in told and "Not measured yet: 1." in told
    assert "| kdd99 alad | M, verified | not measured yet | 0.9000 |" in told


def test_untrained_networks_above_the_published_number_are_told():
    twin = dataclasses.replace(row(0.8, 0.0, detector="new-untrained"), published=None)
    (verdict,) = verdicts([twin, row(0.9, 0.7, detector="new")])
    assert verdict.why == (
        "our networks of new on kdd99 are at 0.800 before their first step, already above the "
        "published number",
    )
    (verdict,) = verdicts([twin, row(0.95, 0.9, detector="new")])
    assert verdict.why == (UNEXPLAINED,)


def test_reasons_belong_to_rows_that_there_are():
    for benchmark, name in reasons.REASONS:
        assert name in {one.name for one in BENCHMARKS[benchmark]}
    assert reasons.reasons("kdd99-quick", "alad") == (reasons.REDUCED, reasons.ALADS_SETTINGS)


@pytest.mark.parametrize("plan", [FULL, QUICK])
def test_plans_name_rows_and_protocols_that_there_are(plan):
    for benchmark, protocol, name in plan.views:
        assert cells(benchmark, [protocol], [name])
        assert benchmark in plan.benchmarks
    for bench in plan.benches:
        assert bench.protocol in PROTOCOLS[bench.benchmark]


@pytest.mark.parametrize("benchmark", ["kdd99", "arrhythmia"])
def test_the_quick_pass_has_every_row_with_fewer_steps(benchmark):
    whole = {one.name: one for one in rows_of(benchmark) if "clean" in one.protocols}
    quick = {one.name: one for one in rows_of(f"{benchmark}-quick")}
    assert quick.keys() == whole.keys()
    for one in quick.values():
        if one.members and one.trained:
            assert one.params()["max_steps"] <= 300
        assert one.trained or one.params()["max_steps"] == 0


def test_every_row_of_the_paper_has_a_row_here():
    from alad.benchmark import published

    for benchmark in ("kdd99", "arrhythmia"):
        ours = {one.published for one in rows_of(benchmark)}
        assert {one.method for one in published.methods(benchmark)} <= ours


def test_the_ratio_is_of_the_two_medians():
    times = {"alad": 2.0, "anogan": 50.0, "anogan, plain": 500.0}
    lines = {name: {"milliseconds": time} for name, time in times.items()}
    assert times_section.ratio(lines) == 250
    assert times_section.ratio(lines, "anogan") == 25


def test_a_pass_over_a_toy_writes_the_page_and_goes_on(toy, tmp_path):
    plan = Plan("paper", "", ("toy",), (("toy", "paper", "family"),), (), "Lead.", "alad bench")
    found = paper.run(plan, results=tmp_path, runs=2)
    fits = toy.fits.copy()
    again = paper.run(plan, results=tmp_path, runs=2)
    assert toy.fits == fits
    assert dataclasses.replace(found, page=[]) == dataclasses.replace(again, page=[])
    markdown = (tmp_path / "paper" / "README.md").read_text()
    for heading in ("The three games", "toy, protocol paper", "Curves: toy", "How this was made"):
        assert f"## {heading}" in markdown
    html = (tmp_path / "paper" / "index.html").read_text()
    assert html.count("<svg") > 4 and str(tmp_path) not in html + markdown


def test_what_the_plan_lacks_is_named(toy, tmp_path):
    views = (("toy", "paper", "family"), ("toy", "paper", "once"))
    plan = Plan("paper", "", ("toy",), views, (), "Lead.", "alad bench")
    with pytest.raises(InputError, match="nothing of the paper is measured"):
        paper.run(plan, results=tmp_path, only_show=True)
    assert list(tmp_path.iterdir()) == []
    run("toy", protocols=["paper"], detectors=["family"], results=tmp_path, runs=2)
    score_curves.run(views[:1], runs=2, path=tmp_path / "paper" / "scores.jsonl")
    found = paper.run(plan, results=tmp_path, only_show=True)
    told = {(one.protocol, one.detector): one.notes for one in found.rows}
    assert told["paper", "family"] == ("2 of 10 runs measured so far",)
    assert told["clean", "once"][-1] == "not measured yet"
    assert scores_section.lacking(plan.views, found.scores) == [
        "toy, paper, family: 2 of 10 runs measured so far",
        "toy, paper, once: not measured yet",
    ]
    text = (tmp_path / "paper" / "README.md").read_text()
    assert "| once | 0 | not measured yet |" in text
    assert [text.split(":")[0] for text in times_section.lacking(FULL.benches, [])] == [
        *("kdd99", "arrhythmia", "cifar10")
    ]


def test_failed_cells_are_named_on_the_page(toy, tmp_path):
    toy.failing.add("once")
    plan = Plan("paper", "", ("toy",), (), (), "Lead.", "alad bench")
    found = paper.run(plan, results=tmp_path, runs=1)
    section = page.how_made(plan, found)
    assert "toy, paper, once: failed: ArithmeticError" in section.markdown()
