"""A model page: numbers are those of the library, cells are text, nothing comes from elsewhere."""

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pages import Parsed

import alad
from alad import cli, metrics
from alad.data.writing import write_table
from alad.errors import InputError
from alad.report.model import anomalous_rows
from alad.report.model.page import model_page

EVIL = '</td><script>alert("x")</script><b onclick=y>'
SECTIONS = {
    "At a glance",
    "Scores and thresholds",
    "Calibration and drift",
    "Against the labels",
    "What was learnt, and from what",
    "How it was trained",
}


def table(rows: int, seed: int = 0, odd: int = 0) -> pa.Table:
    """Two numbers and a category; the last `odd` rows are far off. A dropped id, an evil name."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, 2))
    numbers[rows - odd :] += 30
    kinds = generator.choice(["tcp", EVIL], rows)
    ids = [f"row-{at}" for at in range(rows)]
    return pa.table({"id": ids, "a": numbers[:, 0], EVIL: numbers[:, 1], "kind": kinds})


@pytest.fixture(scope="module")
def trained() -> alad.ALAD:
    """A few steps, two members, calibrated on 99 other rows."""
    settings = {"members": 2, "max_steps": 6, "check_every": 2, "random_state": 0, "drop": ("id",)}
    return alad.ALAD(**settings).fit(table(120)).calibrate(table(99, seed=1))


@pytest.fixture(scope="module")
def new() -> tuple[pa.Table, np.ndarray]:
    return table(60, seed=2, odd=5), np.arange(60) >= 55


@pytest.fixture(scope="module")
def page(trained, new) -> Parsed:
    rows, anomalous = new
    return Parsed(model_page(trained, rows, anomalous, false_alarm_rate=0.05, top=10).html())


def test_it_is_one_file_that_loads_nothing_and_runs_only_its_own_script(page):
    assert page.outside() == [] and len(page.all("script")) == 1
    policy = next(each for each in page.all("meta") if each.get("http-equiv"))
    assert "default-src 'none'" in (policy["content"] or "")
    assert re.search(r"script-src 'sha256-[^']+';", policy["content"] or "")


def test_all_sections_are_there_and_linked(page):
    links = {each["href"] for each in page.all("a")}
    assert [name for name in SECTIONS if name not in page.text] == []
    assert {link[1:] for link in links if link} <= set(page.ids())
    assert len(set(page.ids())) == len(page.ids())


def test_cells_and_column_names_are_shown_and_not_run(trained, new):
    source = model_page(trained, *new, source=EVIL).html()
    assert EVIL not in source and source.count("<script") == 1
    page = Parsed(source)
    assert EVIL in page.text and not page.all("b onclick=y")
    assert all("onclick" not in attributes for _, attributes in page.elements)


def test_the_most_anomalous_rows_are_those_of_the_scores(page, trained, new):
    order = np.argsort(-trained.anomaly_score(new[0]), kind="stable")[:10]
    shown = [int(each["data-order"] or 0) - 1 for each in page.all("td")
             if each.get("data-head") == "row"]  # fmt: skip
    assert shown == order.tolist()
    assert f"row-{order[0]}" in page.text  # the dropped identifier


def test_numbers_are_those_of_the_library(page, trained, new):
    rows, anomalous = new
    flagged = trained.predict(rows, false_alarm_rate=0.05) == -1
    assert f"flagged {int(flagged.sum())} (" in page.text
    found = metrics.confusion(flagged, anomalous)
    decided = [each["data-head"] for each in page.all("td")].count("not flagged")
    assert decided == 2 and f"{100 * found.recall.value:.3g} % (" in page.text
    assert f"{metrics.auroc(trained.anomaly_score(rows), anomalous):.3f} (" in page.text


def test_reasons_are_the_columns_that_raise_the_score(page, trained, new):
    """Largest contribution first, as a share of all that raise the score; with what is expected."""
    order = np.argsort(-trained.anomaly_score(new[0]), kind="stable")[:1]
    found = trained.explain(new[0].take(order))
    given = found.contributions[0]
    first = found.worst(0)[0]
    share = given[first] / given[given > 0].sum()
    shown = page.text.partition("columns that raise the score ")[2].partition(" %")[0]
    expected = f"{found.expected[0][first]:.6g}"
    assert f"expected {expected}" in shown and shown.endswith(f" {100 * share:.0f}")


def test_reasons_left_out_are_said_to_be(trained, new, monkeypatch: pytest.MonkeyPatch):
    """Three columns, eight scores for each and for what it is compared with: 32 scores a row."""
    assert "Reasons are given for" not in Parsed(model_page(trained, new[0], top=10).html()).text
    monkeypatch.setattr(anomalous_rows, "MOST_SCORES", 3 * 32 + 31)
    page = Parsed(model_page(trained, new[0], top=10).html())
    assert "Reasons are given for 3 of the 10 rows, to keep the page quick" in page.text
    lists = [each for each in page.all("ul") if each.get("class") == "reasons"]
    assert len(lists) == 10 and "Most anomalous rows (10)" in page.text
    assert page.text.count("expected ") <= 3 * 3 + 1  # and once in the text


def test_columns_left_out_are_said_to_be():
    wide = pa.table({f"c{at}": np.arange(40.0) / 3 + at for at in range(5)})
    told = "at most 4 columns are named"
    assert told in Parsed(model_page(alad.KNN().fit(wide), wide, top=2).html()).text
    narrow = wide.select(["c0", "c1", "c2", "c3"])
    assert told not in Parsed(model_page(alad.KNN().fit(narrow), narrow, top=2).html()).text


def test_a_stored_history_that_no_fit_wrote_is_one_line(trained):
    fitted = trained.checked()
    odd = dict(fitted.training_) | {"scores": {"quantiles": ["knn"]}}
    with pytest.raises(InputError, match=r"the stored model is not what a alad needs .* save it"):
        model_page(replace(fitted, training_=odd))


@pytest.mark.parametrize("count", [1, 5, 8, 9, 10])
def test_few_calibration_rows(new, count):
    detector = alad.KNN(drop=("id",)).fit(table(60)).calibrate(table(count, seed=1))
    page = Parsed(model_page(detector, new[0]).html())
    assert ("too few rows to look for drift" in page.text) == (count < 9)


def test_a_model_of_images_has_a_page_without_rows():
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8), dtype=np.uint8)
    detector = alad.ALAD(max_steps=0, random_state=0).fit(images)
    assert "8 × 8 × 1" in Parsed(model_page(detector).html()).text
    with pytest.raises(InputError, match="images"):
        model_page(detector, table(5))


def test_labels_change_no_decision(trained, new):
    rows, anomalous = new
    with_labels = Parsed(model_page(trained, rows, anomalous).html())
    without = Parsed(model_page(trained, rows).html())
    for head in ("row", "score", "p-value", "decision"):
        orders = [[e["data-order"] for e in page.all("td") if e.get("data-head") == head]
                  for page in (with_labels, without)]  # fmt: skip
        assert orders[0] == orders[1] != []
    assert "Against the labels" not in without.text


def test_tools_are_reachable_by_keyboard_and_named(page):
    assert all(each.get("type") == "button" for each in page.all("button"))
    assert all(each.get("aria-label") for each in page.all("div") if each.get("tabindex") == "0")
    assert all(each.get("aria-labelledby") for each in page.all("svg"))
    assert page.all("html")[0]["lang"] == "en" and len(page.all("h1")) == 1


def test_a_model_alone_has_a_page(trained):
    page = Parsed(model_page(trained).html())
    assert "Most anomalous" not in page.text and "How it was trained" in page.text
    assert "It was trained for 6 steps." in page.text and "training (120)" in page.text


def test_untrained_networks_are_said_to_be_so():
    detector = alad.ALAD(max_steps=0, random_state=0, drop=("id",)).fit(table(60))
    assert "no step of training was made" in Parsed(model_page(detector).html()).text


def test_a_detector_without_networks_and_calibration_has_a_page(new):
    detector = alad.IsolationForest(random_state=0, drop=("id",), n_estimators=5)
    detector.fitted_ = replace(detector.fit(table(40)).fitted_, calibration_=None)
    page = Parsed(model_page(detector, *new).html())
    assert "This model is not calibrated" in page.text and "Calibration and drift" not in page.text
    with pytest.raises(InputError, match="not calibrated"):
        model_page(detector, *new, false_alarm_rate=0.05)


def test_a_dropped_column_may_be_called_as_one_of_ours():
    rows = pa.table({"score": ["mine"] * 30, "a": np.arange(30.0) / 3})
    detector = alad.KNN(drop=("score",)).fit(rows)
    page = Parsed(model_page(detector, rows).html())
    heads = [each.get("data-head") for each in page.all("td")]
    assert heads.count("score") == heads.count("score (of the table)") == 30
    assert page.text.count("mine") == 30


@pytest.mark.parametrize("count", [1, 2])
def test_one_row_and_rows_all_alike(trained, new, count):
    rows = pa.concat_tables([new[0].slice(0, 1)] * count)
    page = Parsed(model_page(trained, rows, np.zeros(count, bool)).html())
    assert "By their labels all are alike" in page.text


def test_drift_is_said(trained):
    moved = table(200, seed=3, odd=200)
    assert "Drift:" in Parsed(model_page(trained, moved).html()).text
    assert "No drift seen" in Parsed(model_page(trained, table(200, seed=4)).html()).text


# --- command line ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch, trained, new):
    monkeypatch.chdir(tmp_path)
    trained.save("model")
    rows, anomalous = new
    write_table(rows.append_column("label", pa.array(np.where(anomalous, "bad", "good"))), "n.csv")
    return tmp_path


def test_report_writes_the_page_with_labels(folder, capfd):
    command = "report model n.csv -o p.html --label label --normal good --false-alarm-rate 0.05"
    assert cli.run(command.split()) == 0
    assert capfd.readouterr().err.startswith("written: p.html")
    page = Parsed((folder / "p.html").read_text("utf-8"))
    assert [name for name in SECTIONS if name not in page.text] == []
    assert (folder / "p.html").stat().st_size < 3_000_000
    heads = [cell["data-head"] for cell in page.all("td") if "data-head" in cell]
    assert heads.count("label") == heads.count("row")  # one column of labels


@pytest.mark.filterwarnings("default")
def test_report_shows_a_column_that_was_not_there_at_fit(folder, capfd):
    assert cli.run("report model n.csv -o p.html".split()) == 0
    assert "left unused: 'label'" in capfd.readouterr().err
    page = Parsed((folder / "p.html").read_text("utf-8"))
    heads = [cell["data-head"] for cell in page.all("td") if "data-head" in cell]
    assert heads.count("label") == heads.count("row") > 0


def test_report_of_a_model_alone(folder):
    assert cli.run("report model -o p.html -q".split()) == 0
    assert "saved" in Parsed((folder / "p.html").read_text("utf-8")).text


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("report nope -o p.html", ("nope does not exist",)),
        ("report model n.csv -o p.html --label nope", ("nope",)),
        ("report model n.csv -o p.html --label label", ("bad", "--normal")),
        ("report model n.csv -o p.html --label kind", ("learnt from column 'kind'", "--drop kind")),
        ("report model n.csv -o p.html --drop label --false-alarm-rate 2", ("--false-alarm-rate",)),
        ("report model n.csv -o p.html --drop label --false-alarm-rate 0.001", ("too few", "999")),
        ("report model n.csv -o nowhere/p.html", ("nowhere/p.html",)),
        ("report model n.csv -o s3://bucket/p.html", ("s3:/bucket/p.html", "this machine alone")),
        ("report model n.csv -o page.txt", ("page.txt", ".html")),
        ("report model --label label", ("TABLE",)),
        ("report model n.csv --top 0", ("--top",)),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(folder, capfd, command, words):
    assert cli.run(command.split()) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1
    assert [word for word in words if word not in err] == []
    assert not list(folder.glob("p*.html")) and not (folder / "report.html").exists()
