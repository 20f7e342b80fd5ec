"""The recipes of docs/extending.md do what they say, in as many files as they say."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from every_detector import rows
from markdown_pages import DOCS
from sklearn.utils.estimator_checks import check_estimator

import alad
from alad import catalogue, cli
from alad.adversarial import game, scores
from alad.adversarial.play import squared_distance
from alad.autoencoders.models import CodeModel
from alad.data import opening
from alad.errors import InputError

PAGE = (DOCS / "extending.md").read_text("utf-8")
TITLED = re.compile(r'^```python title="(?P<file>[^"]+)"\n(?P<text>.*?)^```$', re.M | re.S)
COUNTS = re.compile(r"^\| \[an? (?P<what>\w+)\]\(#[\w-]+\) \| (?P<files>\d)", re.M)


def section(heading: str) -> dict[str, str]:
    """The titled blocks under a heading: file -> text."""
    text = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return {block["file"]: block["text"] for block in TITLED.finditer(text)}


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Iterator[Path]:
    """A folder for packages outside of this one, and the tables as they were afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    tables: tuple[Any, ...] = (catalogue.DETECTORS, catalogue.MODELS, game.FAMILY)
    tables += (scores.SCORES, CodeModel.engines)
    before = [dict(table) for table in tables]
    yield tmp_path
    for table, content in zip(tables, before, strict=True):
        table.clear()
        table.update(content)
    for name in [name for name in sys.modules if name.startswith("my_detectors")]:
        del sys.modules[name]


def write(folder: Path, file: str, text: str) -> None:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_table_counts_the_files_of_each_recipe():
    told = {found["what"]: int(found["files"]) for found in COUNTS.finditer(PAGE)}
    headings = re.findall(r"^## (An? (?:detector|score|term|source|engine))$", PAGE, re.M)
    assert {heading.split()[1]: len(section(heading)) for heading in headings} == told


def test_a_detector(mine, monkeypatch, capsys):
    blocks = section("A detector")
    write(mine, "my_detectors/z_score.py", blocks["my_detectors/z_score.py"])
    exec(blocks["catalogue.py"], vars(catalogue))
    detector = catalogue.make("z-score", columns=2)
    # which counts flagged rows among those learnt from
    check_estimator(catalogue.make("z-score", calibration_fraction=0), on_skip=None)
    X = rows(200)
    detector.fit(X)
    odd = np.concatenate([X[:5], X[:1] + 40])
    assert detector.anomaly_score(odd).argmax() == 5
    for at in range(len(odd)):  # alone as in company
        alone = detector.anomaly_score(odd[at : at + 1])
        np.testing.assert_array_equal(alone, detector.anomaly_score(odd)[at : at + 1])
    detector.save(mine / "model")
    loaded = alad.load(mine / "model")
    np.testing.assert_array_equal(loaded.anomaly_score(odd), detector.anomaly_score(odd))
    assert loaded.predict(odd, false_alarm_rate=0.1)[5] == -1
    with pytest.raises(InputError, match="columns is 0"):
        catalogue.make("z-score", columns=0).fit(X)
    pd.DataFrame(X).to_csv(mine / "normal.csv", index=False)
    command = ["fit", f"{mine}/normal.csv", "-o", f"{mine}/m", "--detector", "z-score"]
    assert cli.run(command) == 0, capsys.readouterr().err


def test_a_term(mine):
    blocks = section("A term")
    added = {"squared_distance": squared_distance}
    exec(blocks["adversarial/game.py"], vars(game) | added | {"FAMILY": game.FAMILY})
    write(mine, "my_detectors/alad_zx.py", blocks["my_detectors/alad_zx.py"])
    catalogue.DETECTORS["alad-zx"] = ("my_detectors.alad_zx", "ALADZX")
    X = rows(150)
    detector = catalogue.make("alad-zx", max_steps=15, random_state=0).fit(X)
    assert "zx" in detector.model_.networks.discriminators
    assert detector.training_["engine"] == "torch" and detector.training_["engine_note"]
    detector.save(mine / "model")
    loaded = alad.load(mine / "model")
    np.testing.assert_array_equal(loaded.anomaly_score(X), detector.anomaly_score(X))
    with pytest.raises(InputError, match="engine"):
        catalogue.make("alad-zx", max_steps=5, engine="native").fit(X)


def test_a_source(mine, monkeypatch):
    monkeypatch.setattr(opening, "OPENERS", list(opening.OPENERS))
    namespace = dict(vars(opening))
    exec(section("A source")["data/opening.py"], namespace)
    table = pd.DataFrame(rows(120), columns=list("abcdefg")).assign(kind=["x", "y"] * 60)
    with sqlite3.connect(mine / "rows.db") as connection:
        table.to_sql("rows", connection, index=False)
    query = namespace["Query"](str(mine / "rows.db"), "select * from rows")
    from_database = alad.KNN(random_state=0).fit(query)
    from_frame = alad.KNN(random_state=0).fit(table)
    np.testing.assert_array_equal(
        from_database.anomaly_score(query), from_frame.anomaly_score(table)
    )


def test_a_score(mine):
    X = rows(100)
    detector = alad.ALAD(max_steps=5, random_state=0, members=2).fit(X)
    detector.save(mine / "model")
    exec(section("A score")["adversarial/scores.py"], vars(scores))
    found = {}
    for engine in ("c", "torch", "numpy"):
        loaded = alad.load(mine / "model", engine=engine)
        found[engine] = loaded.member_scores(X, "largest")
        assert found[engine].shape == (2, 100)
        assert (found[engine] <= loaded.member_scores(X, "features")).all()
        np.testing.assert_array_equal(
            loaded.member_scores(X[7:8], "largest"), found[engine][:, 7:8]
        )
        np.testing.assert_allclose(found[engine], found["c"], rtol=1e-4)
    again = alad.ALAD(max_steps=5, random_state=0, members=2, score_function="largest").fit(X)
    np.testing.assert_array_equal(again.member_scores(X), again.member_scores(X, "largest"))


def test_an_engine(mine):
    X = rows(100)
    for name in ("autoencoder", "vae"):
        catalogue.make(name, max_steps=5, random_state=0).fit(X).save(mine / name)
    with pytest.raises(InputError, match="engine is 'blas'; choose one of: auto, c, torch, numpy"):
        alad.load(mine / "autoencoder", engine="blas")
    write(mine, "my_detectors/blas.py", section("An engine")["my_detectors/blas.py"])
    import_module("my_detectors.blas")
    model = alad.load(mine / "autoencoder", engine="blas")
    assert model.model_.scored_by() == "blas"
    expected = alad.load(mine / "autoencoder", engine="torch").anomaly_score(X)
    np.testing.assert_allclose(model.anomaly_score(X), expected, rtol=1e-5)
    with pytest.raises(InputError, match="engine is 'blas'"):
        alad.load(mine / "vae", engine="blas")
