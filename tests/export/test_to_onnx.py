"""Exported graphs in ONNX Runtime give the scores and p-values of the detectors they came from."""

import hashlib
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from every_detector import QUICK, frame, quick
from graph_runs import IN_DOUBLE, away, scored, session
from sklearn.exceptions import NotFittedError

import alad
from alad.cli import run
from alad.encoding import SCALINGS
from alad.errors import InputError
from alad.export import scoring
from alad.export.encoding import inputs

EXPORTED = [name for name in QUICK if name != "anogan"]


def odd_rows() -> pd.DataFrame:
    """Rows as at fit, and some with what no learnt row had."""
    rows = frame(60)
    rows["open"] = rows["open"].astype(object)
    rows.loc[0, "colour"] = "purple"
    rows.loc[1, "amount"] = np.nan
    rows.loc[2, "amount"] = 1e7
    rows.loc[3, "open"] = None
    rows.loc[4, "colour"] = None
    rows.loc[5, "holes"] = -1e5
    return rows


@pytest.mark.filterwarnings("ignore:of .* rows some hold")
@pytest.mark.parametrize("name", EXPORTED)
def test_every_detector_of_tables_gives_its_scores(name, tmp_path):
    fitted = quick(name, calibration_fraction=0.3).fit(frame(150)).fitted_
    certificate = alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert certificate["largest_difference"] <= 1e-5
    scores, p_values = scored(tmp_path / "m.onnx", fitted, odd_rows())
    assert away(scores, fitted, odd_rows()) <= 1e-5
    # a p-value is never lower, and higher at most by the scores that count as equal
    higher = p_values - fitted.p_value(odd_rows())
    assert (higher >= 0).all() and (higher > 0).mean() < 0.1
    assert len(np.unique(scores)) > 30  # or all this could be true of a constant


@pytest.mark.filterwarnings("ignore:of .* rows some hold")
@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_scaling(scaling, tmp_path):
    fitted = alad.PCA(scaling=scaling).fit(frame(150)).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx", tolerance=IN_DOUBLE)
    assert away(scored(tmp_path / "m.onnx", fitted, odd_rows())[0], fitted, odd_rows()) < IN_DOUBLE


def test_several_members(tmp_path):
    fitted = quick("alad", members=3).fit(frame(150)).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert away(scored(tmp_path / "m.onnx", fitted, frame(40))[0], fitted, frame(40)) < 1e-5


@pytest.mark.filterwarnings("ignore:of .* rows some hold")
@pytest.mark.parametrize(
    "columns", [["amount", "holes"], ["colour", "open"]], ids=["numbers", "categories"]
)
def test_a_table_of_one_kind_of_column_has_one_input(columns, tmp_path):
    fitted = alad.KNN().fit(frame(150)[columns]).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx")
    given = inputs(fitted, odd_rows()[columns])
    assert list(given) == [one.name for one in session(tmp_path / "m.onnx").get_inputs()]
    scores = session(tmp_path / "m.onnx").run(None, given)[0]
    assert away(scores, fitted, odd_rows()[columns]) < IN_DOUBLE


def test_rare_categories_and_constants(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=400), "same": 3.0})
    rows["many"] = [f"level {i}" for i in rng.geometric(0.02, 400)]
    fitted = alad.PCA().fit(rows).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx", tolerance=IN_DOUBLE)
    new = rows.head(50).copy()
    new.loc[0, "many"], new.loc[1, "same"] = "level none", 3.5
    with pytest.warns(UserWarning, match="some hold what no learnt one did"):
        assert away(scored(tmp_path / "m.onnx", fitted, new)[0], fitted, new) < IN_DOUBLE


def test_neighbours_among_kept_rows(tmp_path):
    fitted = quick("alad", score_function="joint-neighbours").fit(frame(150)).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert away(scored(tmp_path / "m.onnx", fitted, frame(40))[0], fitted, frame(40)) < 1e-5


def test_the_row_itself_beside_features(tmp_path):
    fitted = quick("alad", score_function="features-row", members=3).fit(frame(150)).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert away(scored(tmp_path / "m.onnx", fitted, frame(40))[0], fitted, frame(40)) < 1e-5


@pytest.mark.parametrize("rows", [13, 45])
def test_sizes_that_are_not_the_number_of_sample_rows(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "PRIMES", (rows, 47))  # 13 neighbours, 45 candidates for them
    for name in ("knn", "lof", "neighbour-ratio"):
        fitted = alad.catalogue.make(name, n_neighbors=13).fit(frame(150)).fitted_
        alad.to_onnx(fitted, tmp_path / "m.onnx", tolerance=IN_DOUBLE)


def test_copies_of_training_rows_are_neighbours_of_their_own(tmp_path):
    rows = np.round(np.random.default_rng(0).normal(size=(200, 2)), 1)
    for name in ("knn", "lof", "neighbour-ratio"):
        fitted = alad.catalogue.make(name).fit(rows).fitted_
        alad.to_onnx(fitted, tmp_path / "m.onnx", tolerance=IN_DOUBLE)
        assert away(scored(tmp_path / "m.onnx", fitted, rows)[0], fitted, rows) < IN_DOUBLE


def test_the_certificate_is_of_the_file_beside_it(tmp_path):
    fitted = alad.PCA().fit(frame(150)).fitted_
    told = alad.to_onnx(fitted, tmp_path / "m.onnx", rows=frame(60))
    assert json.loads((tmp_path / "m.certificate.json").read_text()) == told
    assert told["sha256"] == hashlib.sha256((tmp_path / "m.onnx").read_bytes()).hexdigest()
    assert told["rows"] == {"known rows": 60, "fuzzed rows": 60}
    assert list(told["differences"]["fuzzed rows"]) == [f"batches of {n}" for n in (1, 7, 1024)]
    facts = session(tmp_path / "m.onnx").get_modelmeta().custom_metadata_map
    columns = json.loads(facts["columns"])
    assert columns == {"numbers": ["amount", "holes"], "categories": ["colour", "open"]}
    assert float(facts["threshold"]) == -fitted.offset_


def test_a_graph_that_disagrees_is_not_written(tmp_path, monkeypatch):
    fitted = alad.PCA().fit(frame(150)).fitted_
    right = scoring.combined
    monkeypatch.setattr(scoring, "combined", lambda *scores: right(*scores) * 1.0001)
    with pytest.raises(InputError, match=r"differ by .* more than the tolerance of 1e-05"):
        alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
    alad.to_onnx(fitted, tmp_path / "m.onnx", tolerance=1e-3)


def test_p_values_that_are_too_low_are_not_written(tmp_path, monkeypatch):
    fitted = alad.PCA(calibration_fraction=0.3).fit(frame(150)).fitted_
    right = scoring.p_values
    monkeypatch.setattr(scoring, "p_values", lambda *of: right(*of) - 0.01)
    with pytest.raises(InputError, match="p-values of the exported graph are too low"):
        alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_exported_says_why(tmp_path):
    with pytest.raises(InputError, match="searched for by hundreds of gradient steps"):
        alad.to_onnx(quick("anogan").fit(frame()), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "m.onnx", "--tolerance", "1e-20"), "more than the tolerance of 1e-20"),
        (("-o", "m.onnx", "--tolerance", "0"), "give a number between 0 and 1"),
        (("-o", "m.txt"), "name a file that ends in .onnx"),
        (("-o", "none/m.onnx"), "none/m.onnx: there is no such folder"),
        (("-o", "s3://bucket/m.onnx"), "s3:/bucket/m.onnx: is written on this machine alone"),
    ],
)
def test_the_verb_refuses_in_one_line_and_writes_nothing(
    words, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    quick("autoencoder").fit(frame()).save("model")
    assert run(["export", "model", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_verb_writes_a_graph_and_says_how_near_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    alad.PCA().fit(frame()).save("model")
    frame(30).to_csv("rows.csv", index=False)
    assert run(["export", "model", "-o", "m.onnx", "--rows", "rows.csv"]) == 0
    assert "m.onnx: 60 rows scored by both, largest difference" in capsys.readouterr().err
    assert (tmp_path / "m.onnx").exists()


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("alad.export.writing.NEEDED", ("no_such_runtime",))
    with pytest.raises(InputError, match=r"export needs no_such_runtime: pip install"):
        alad.to_onnx(alad.PCA().fit(frame()), tmp_path / "m.onnx")


def test_of_a_stream_no_more_is_read_than_is_compared(tmp_path):
    read: list[int] = []

    def batches():
        for at in range(3):
            read.append(at)
            yield from pa.Table.from_pandas(frame(70_000)).to_batches()

    fitted = alad.PCA().fit(frame(150)).fitted_
    stream = pa.RecordBatchReader.from_batches(pa.Table.from_pandas(frame(1)).schema, batches())
    told = alad.to_onnx(fitted, tmp_path / "m.onnx", stream)
    assert told["rows"] == {"known rows": 1024, "fuzzed rows": 1024} and read == [0]


def test_rows_of_an_array_without_names(tmp_path):
    rows = np.random.default_rng(0).normal(size=(1500, 3))
    told = alad.to_onnx(alad.PCA().fit(rows), tmp_path / "m.onnx", rows)
    assert told["rows"]["known rows"] == 1024


@pytest.mark.parametrize("given", [None, "model"])
def test_what_is_no_fitted_detector_is_refused(given, tmp_path):
    with pytest.raises(InputError, match=f"{given!r} is no fitted detector"):
        alad.to_onnx(given, tmp_path / "m.onnx")
    with pytest.raises(NotFittedError, match="PCA instance is not fitted yet"):
        alad.to_onnx(alad.PCA(), tmp_path / "m.onnx")


@pytest.mark.parametrize("taken", ["m.onnx", "m.certificate.json"])
def test_either_file_that_cannot_be_written_leaves_neither(taken, tmp_path):
    (tmp_path / taken).mkdir()
    with pytest.raises(InputError, match=rf"{taken}: cannot be written"):
        alad.to_onnx(alad.PCA().fit(frame()), tmp_path / "m.onnx")
    assert [path.name for path in tmp_path.iterdir()] == [taken]


def test_a_graph_larger_than_its_kind_of_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("alad.export.graph.MOST_BYTES", 1000)
    with pytest.raises(InputError, match=r"its 0.0 GB are more than the 2 GiB of a file of ONNX"):
        alad.to_onnx(alad.KNN().fit(frame(150)), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
