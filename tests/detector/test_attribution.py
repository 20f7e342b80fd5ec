"""Scores shared out among columns: by hand, and through every detector."""

from pathlib import Path

import numpy as np
import pytest
from every_detector import every_detector, frame, quick, rows

from alad import KNN, catalogue, storage
from alad.detector import attribution
from alad.detector import rows as fit_rows
from alad.detector.attribution import contributions, middle, nearest
from alad.errors import InputError


def test_a_sum_is_shared_out_exactly():
    """Each column has its own part; columns 1 and 2 are one column of the table."""
    weights = np.array([1.0, 10.0, 100.0, 1000.0])
    rows, references = np.array([[1.0, 2, 3, 4]]), np.array([[[0.0, 1, 1, 4]]])
    found = contributions(lambda X: X @ weights, rows, references, np.array([0, 2, 2, 5]))
    np.testing.assert_allclose(found, [[1, 210, 0]], rtol=1e-12)


def test_a_product_is_shared_out_evenly():
    """x y from (0, 0) to (2, 3): either column alone changes nothing, so each has half of 6."""
    found = contributions(
        lambda X: X[:, 0] * X[:, 1], np.array([[2.0, 3.0]]), np.zeros((1, 1, 2)), np.array([0, 1])
    )
    np.testing.assert_allclose(found, [[3, 3]])


def test_one_column_far_off_does_not_choose_the_nearest_row():
    known = np.array([[0.0, 0.0, 0.0], [100.0, 5.0, 5.0]])
    assert nearest(np.array([[90.0, 0.1, 0.1]]), known).tolist() == [[[0.0, 0.0, 0.0]]]


def test_several_references_share_the_work_and_their_mean_is_what_contributions_add_up_to():
    """x y at (2, 3), beside (0, 0), from where each has 3, and (1, 1)."""
    rows, references = np.array([[2.0, 3.0]]), np.array([[[0.0, 0.0]], [[1.0, 1.0]]])
    found = contributions(lambda X: X[:, 0] * X[:, 1], rows, references, np.array([0, 1]))
    # from (1, 1): x first gives 1 · 3, y then 2 · 1; y first gives 2 · 2, x then 1 · 1
    np.testing.assert_allclose(found, [[(3 + 2) / 2, (3 + 3) / 2]])


def test_orders_that_do_not_divide_among_the_references_are_refused():
    with pytest.raises(ValueError, match="8 orders cannot be dealt out to 3 references"):
        contributions(np.sum, np.zeros((1, 2)), np.zeros((3, 1, 2)), np.array([0, 1]))


def test_the_same_by_pieces(monkeypatch: pytest.MonkeyPatch):
    generator = np.random.default_rng(0)
    rows, references = generator.normal(size=(7, 3)), generator.normal(size=(4, 7, 3))

    def found() -> np.ndarray:
        return contributions(lambda X: np.prod(X, 1), rows, references, np.arange(3))

    whole = found()
    monkeypatch.setattr(attribution, "NUMBERS_AT_ONCE", 1)
    np.testing.assert_array_equal(found(), whole)


def test_the_nearest_come_in_their_order_and_again_where_they_are_too_few():
    known, row = np.array([[3.0], [0.5], [0.1]]), np.zeros((1, 1))
    assert nearest(row, known, 2)[:, 0, 0].tolist() == [0.1, 0.5]
    assert nearest(row, known[1:], 4)[:, 0, 0].tolist() == [0.1, 0.5, 0.1, 0.5]


def test_expected_is_the_middle_number_or_the_most_frequent_value():
    cells = [[[1.0, "a", None, 7]], [[9.0, "b", None, None]], [[3.0, "b", "x", None]]]
    assert middle(cells) == [[3.0, "b", None, None]]
    assert middle([*cells, [[4.0, "a", "x", 5]]]) == [[3.0, "a", "x", 5]]


def test_no_more_learnt_rows_are_kept_than_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fit_rows, "MOST_KEPT", 3)
    assert fit_rows.kept(np.arange(10.0).reshape(5, 2)).tolist() == [[0, 1], [4, 5], [8, 9]]
    monkeypatch.setattr(fit_rows, "NUMBERS_KEPT", 5)
    assert len(fit_rows.kept(np.zeros((9, 2)))) == 2


@every_detector
def test_contributions_add_up_for_every_detector(name: str):
    detector = quick(name).fit(rows(200))
    X = rows(3, seed=2)
    X[1, 4] = 30
    found = detector.explain(X)
    assert found.contributions.shape == (3, 7)
    np.testing.assert_array_equal(found.score, detector.anomaly_score(X))
    gap = found.score - found.reference_score
    np.testing.assert_allclose(found.contributions.sum(axis=1), gap, rtol=1e-9, atol=1e-9)


@every_detector
def test_explained_the_same_to_the_last_bit_whatever_is_scored_together(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    detector, X = quick(name).fit(rows(200)), rows(5, seed=2)
    X[1, 4] = 30
    found = detector.explain(X)
    for at_once in (1, 300):
        with monkeypatch.context() as patch:
            patch.setattr(attribution, "NUMBERS_AT_ONCE", at_once)
            again = detector.explain(X[1:4])
        np.testing.assert_array_equal(again.contributions, found.contributions[1:4])
        np.testing.assert_array_equal(again.reference_score, found.reference_score[1:4])


@pytest.mark.parametrize("name", ["knn", "isolation-forest"])
def test_the_odd_column_comes_first_with_its_value_and_what_was_expected(name: str):
    table = frame(300)
    detector = quick(name, drop=("holes",)).fit(table)
    odd = table.iloc[[5]].assign(amount=1e6, colour="violet")
    found = detector.explain(odd)
    assert found.columns == ("amount", "colour", "open")
    assert found.values[0][:2] == [1e6, "violet"]
    assert {found.columns[at] for at in found.worst(0, 2)} == {"amount", "colour"}
    amount, colour, _ = found.expected[0]
    assert 0 < amount < 1e4 and colour in ("red", "green", "blue")


@every_detector
def test_explained_the_same_when_loaded_and_refused_if_too_old(name: str, tmp_path: Path):
    detector, X = quick(name).fit(rows(60)), rows(2, seed=3)
    detector.save(tmp_path / "model")
    loaded = catalogue.load(tmp_path / "model")
    np.testing.assert_array_equal(
        loaded.explain(X).contributions, detector.explain(X).contributions
    )
    content, arrays = storage.read(tmp_path / "model", "model")
    del arrays["explanation/references"]
    storage.write(tmp_path / "old", "model", content, arrays)
    old = catalogue.load(tmp_path / "old")
    if not old.model_.makes_rows:
        with pytest.raises(InputError, match="fit it again"):
            old.explain(X)


def test_a_changed_parameter_is_no_explanation():
    detector = KNN(n_neighbors=3).fit(frame(60))
    detector.set_params(n_neighbors=4)
    with pytest.raises(InputError, match="n_neighbors was 3 at fit and is 4 now"):
        detector.explain(frame(2))


@pytest.mark.parametrize("scaling", ["none", "minmax", "standard", "robust", "log", "quantile"])
def test_decoding_undoes_encoding(scaling: str):
    from alad.encoding import TableEncoder

    table = frame(200)
    encoder = TableEncoder(scaling).fit(table)
    cells, decoded = encoder.read(table).cells(), encoder.decode(encoder.transform(table))
    resolution = 2**-22 * np.ptp([row[0] for row in cells])  # of float32 from 0 to 1, times 4
    for before, after in zip(cells, decoded, strict=True):
        np.testing.assert_allclose(after[0], before[0], rtol=1e-3, atol=resolution)
        holes = before[1] is None or np.isnan(before[1])
        assert (after[1] is None) == holes
        assert after[2] == before[2] and after[3] == str(before[3]).lower()


def test_a_column_with_the_expected_value_is_no_reason():
    """Of the reasons on a page 11 % named a value equal to the expected one."""
    rows = frame(300)
    detector = quick("knn").fit(rows)
    found = detector.explain(rows[:60])
    equal = np.array(
        [
            [_text(value) == _text(due) for value, due in zip(*cells, strict=True)]
            for cells in zip(found.values, found.expected, strict=True)
        ]
    )
    assert 0.1 < found.as_expected.mean() < 0.9
    np.testing.assert_array_equal(found.as_expected, equal)
    assert any(found.as_expected[row, at] for row in range(60) for at in found.worst(row))
    for row in range(60):
        reasons = found.reasons(row, 4)
        assert not found.as_expected[row, reasons].any()
        assert reasons == [at for at in found.worst(row, 4) if not found.as_expected[row, at]]


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower()
