"""The encoder: hand-computed values, purity, and every table that people bring."""

import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from alad.data.source import TableSource
from alad.encoding import SCALINGS, TableEncoder
from alad.encoding.category_columns import MOST_LEVELS, MOST_RARER, NEW
from alad.encoding.number_columns import LIMIT
from alad.errors import InputError
from alad.native import build


def mixed(n=200, seed=0) -> pd.DataFrame:
    """A table with all that a table can have: heavy tails, holes, constants, labels, flags."""
    generator = np.random.default_rng(seed)
    heavy = np.exp(generator.normal(0, 6, n)).round(3)
    holes = np.where(generator.random(n) < 0.2, np.nan, generator.normal(5, 2, n))
    return pd.DataFrame(
        {
            "heavy": heavy,
            "holes": holes,
            "flag": generator.integers(0, 2, n),
            "rare": (generator.random(n) < 0.05).astype(int),
            "constant": 0.1,
            "protocol": generator.choice(["tcp", "udp", "icmp"], n),
            "state": generator.choice(np.array(["S0", "SF", None], dtype=object), n),
            "logged": generator.random(n) < 0.5,
            "text": [f"{value:.3f}" for value in generator.normal(0, 1, n)],
        }
    )


def encoded(cells, new=None, scaling="robust"):
    """Column "a" alone, fitted on `cells`; encoded `new` (or `cells`)."""
    encoder = TableEncoder(scaling).fit(pd.DataFrame({"a": cells}))
    return encoder.transform(pd.DataFrame({"a": cells if new is None else new}))


# --- scalings, by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ("none", [0, 1, 2, 7]),
        ("minmax", [-1, -5 / 7, -3 / 7, 1]),
        ("standard", (np.array([0, 1, 2, 7]) - 2.5) / math.sqrt(29 / 4)),
        ("log-minmax", np.log1p([0, 1, 2, 7]) / (math.log(8) / 2) - 1),
    ],
)
def test_scalings_by_hand(scaling, expected):
    np.testing.assert_allclose(encoded([0, 1, 2, 7], scaling=scaling)[:, 0], expected, rtol=1e-6)


def test_robust_by_hand():
    """Median 1.5, quartiles 0.75 and 3.25: t = asinh((x - 1.5) / (0.75 / 0.6745)), standardised."""
    t = np.arcsinh((np.array([0, 1, 2, 7]) - 1.5) / (0.75 / 0.6744897501960817))
    np.testing.assert_allclose(encoded([0, 1, 2, 7])[:, 0], (t - t.mean()) / t.std(), rtol=1e-6)


def test_log_is_odd():
    np.testing.assert_allclose(
        encoded([-5, 5, -1e9, 1e9], [1e6, -1e6, 0, -0.0], "log-minmax")[:, 0],
        np.array([1, -1, 0, 0]) * math.log1p(1e6) / math.log1p(1e9),
        rtol=1e-6,
    )


def test_quantile_by_hand():
    """Mid-ranks 1/8, 1/2 (a tie of two) and 7/8 as normal scores; linear between."""
    score = 1.1503493803760083  # of 7/8
    got = encoded([0, 1, 1, 3], [0, 1, 3, 2, 0.5, 6, -3], "quantile")[:, 0]
    beyond = score + math.asinh(1.0)
    expected = [-score, 0, score, score / 2, -score / 2, beyond, -beyond]
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("scaling", ["robust", "robust-minmax", "log", "log-minmax", "quantile"])
def test_heavy_tails_do_not_drown_the_rest(scaling):
    """The lower half of a column that reaches 1e9 stays spread out, its largest value small."""
    heavy = np.exp(np.linspace(0, math.log(1e9), 1000))
    got = encoded(heavy, scaling=scaling)[:, 0]
    assert np.abs(got).max() < 6
    assert got[500] - got[250] > 0.1
    assert (np.diff(got) >= 0).all()


def test_rare_values_stay_moderate():
    """One in 10,000 is 100 deviations away when standardised; with the floor under it, not 2."""
    rare = np.zeros(10_000)
    rare[7] = 1
    assert np.abs(encoded(rare)).max() < 2
    assert np.ptp(encoded(rare)) > 1


@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_scaling_is_monotone_and_unbounded(scaling):
    new = np.array([-1e300, -1e9, -50, -1, 0, 0.5, 3, 50, 1e9, 1e300])
    got = encoded([-1, 0, 0, 0.5, 3, 4], new, scaling)[:, 0]
    assert (np.diff(got) > 0).all()
    assert np.isfinite(got).all()


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize(
    "cells",
    [
        [1e300, -1e300, 0],
        [1e-300, 2e-300, 0],
        [5e-324, 0, 0],
        [1e10, 1e10 + 1e-4, 1e10],
        [1e150, 1e-150, 1],
        [1.7e308] * 3,
        [0, 0, 1e308],
    ],
)
def test_extreme_columns_stay_finite(scaling, cells):
    got = encoded(cells, [*cells, 1.7e308, -1.7e308, 0, None], scaling)
    assert np.isfinite(got).all()
    assert np.abs(got).max() <= LIMIT


def test_an_unknown_scaling_names_the_known_ones():
    with pytest.raises(InputError, match=r"scaling is 'max'; choose one of 'none', 'minmax'"):
        TableEncoder("max").fit([[1.0]])


# --- constants, holes, categories -----------------------------------------------------------------


@pytest.mark.parametrize("scaling", [name for name in SCALINGS if name != "none"])
def test_a_constant_is_zero_and_a_change_shows(scaling):
    got = encoded([0.1] * 3, [0.1, np.float32(0.1), 0.2, -0.1, 0.10001, 1e300], scaling)[:, 0]
    np.testing.assert_array_equal(got[:2], 0)
    assert got[2] == pytest.approx(1 + math.log(2))
    assert got[3] == pytest.approx(-1 - math.log(3))
    assert got[4] > 1
    assert 1 < got[5] < 1000


def test_constants_are_kept_by_none():
    np.testing.assert_array_equal(encoded([7, 7], [7, 8], "none")[:, 0], [7, 8])


def test_holes_are_the_median_and_say_so():
    got = encoded([1, None, 3, 8], scaling="none")
    np.testing.assert_array_equal(got, [[1, 0], [3, 1], [3, 0], [8, 0]])


def test_a_hole_that_fit_never_saw_is_the_median():
    np.testing.assert_array_equal(encoded([1, 3, 8], [None, 1], "none"), [[3], [1]])


def test_categories_by_hand():
    encoder = TableEncoder().fit(pd.DataFrame({"c": ["udp", "tcp", None]}))
    assert encoder.output_names_ == ["c=tcp", "c=udp", "c=<missing>", "c=<unseen>"]
    got = encoder.transform(pd.DataFrame({"c": ["tcp", "udp", None, "gre", 3]}))
    np.testing.assert_array_equal(got, np.eye(4)[[0, 1, 2, 3, 3]])


def test_a_missing_category_that_fit_never_saw_is_unseen():
    np.testing.assert_array_equal(encoded(["a", "b"], [None, "a"]), [[0, 0, 1], [1, 0, 0]])


def test_rare_levels_share_a_column():
    cells = [f"common {i}" for i in range(MOST_LEVELS)] * 3 + [f"few {i}" for i in range(20)]
    encoder = TableEncoder().fit(pd.DataFrame({"a": cells}))
    assert encoder.width_ == MOST_LEVELS + 1
    assert encoder.output_names_[-1] == "a=<other>"
    got = encoder.transform(pd.DataFrame({"a": ["few 3", "never met", "common 7"]}))
    np.testing.assert_array_equal(got[:, -1], [1, 1, 0])
    np.testing.assert_array_equal(got.sum(axis=1), 1)


def test_a_level_never_met_is_told_from_rare_ones():
    cells = [f"common {i}" for i in range(MOST_LEVELS)] * 3 + [f"few {i // 2}" for i in range(39)]
    fitted = TableEncoder().fit(pd.DataFrame({"a": cells}))
    new = pd.DataFrame({"a": ["few 3", "never met", "common 7", None]})
    for encoder in (fitted, TableEncoder.from_state(json.loads(json.dumps(fitted.state())))):
        read = encoder.read(new).encoded
        np.testing.assert_array_equal(read[:, -1], [1, NEW, 0, np.nan])
        np.testing.assert_array_equal(encoder.transform(new)[:, -1], [1, 1, 0, 1])
        holes, values = encoder.known_.novel(read)
        assert values[:, 0].tolist() == [False, True, False, False]
        assert holes[:, 0].tolist() == [False, False, False, True]
        # of 339 rows one holds a level of its own, "few 19"
        learnt = encoder.transform(pd.DataFrame({"a": cells}))
        assert encoder.known_.chance_of_new([learnt[:100], learnt[100:]]).tolist() == [2 / 340]


def test_of_very_many_rare_levels_none_is_told_from_a_new_one():
    cells = [f"{i}u" for i in range(MOST_LEVELS + MOST_RARER + 1)] * 2
    encoder = TableEncoder().fit(pd.DataFrame({"a": cells}))
    read = encoder.read(pd.DataFrame({"a": ["never met", cells[0], cells[-1]]})).encoded
    assert not encoder.known_.novel(read)[1].any()
    assert len(json.dumps(encoder.state())) < 10_000


def test_a_column_without_any_value_shows_the_first_one():
    frame = pd.DataFrame({"a": [None, None], "b": [1.0, 2.0]})
    encoder = TableEncoder("none").fit(frame)
    assert encoder.output_names_ == ["a=<missing>", "a=<unseen>", "b"]
    got = encoder.transform(pd.DataFrame({"a": [None, 5], "b": [1.0, 2.0]}))
    np.testing.assert_array_equal(got, [[1, 0, 1], [0, 1, 2]])


def test_a_table_without_any_value_is_refused():
    with pytest.raises(InputError, match="every cell of the table is missing"):
        TableEncoder().fit(np.full((5, 3), np.nan))


def test_nothing_but_holes_can_be_transformed():
    encoder = TableEncoder().fit(mixed())
    empty = pd.DataFrame(np.nan, index=range(3), columns=mixed().columns)
    assert np.isfinite(encoder.transform(empty)).all()


def test_source_points_from_outputs_to_inputs():
    encoder = TableEncoder(drop=["b"]).fit(
        pd.DataFrame({"a": [1.0, None], "b": [1, 2], "c": ["u", "v"], "d": [3, 4]})
    )
    assert encoder.output_names_ == ["a", "a=<missing>", "c=u", "c=v", "c=<unseen>", "d"]
    np.testing.assert_array_equal(encoder.source_, [0, 0, 2, 2, 2, 3])
    assert encoder.n_features_in_ == 4
    assert encoder.width_ == 6


def test_a_single_row_is_a_table():
    frame = mixed(1)
    got = TableEncoder().fit_transform(frame)
    assert got.shape[0] == 1
    assert np.isfinite(got).all()


# --- a pure function of the row -------------------------------------------------------------------


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_row_is_the_same_alone_and_in_any_batch(scaling):
    frame = mixed(100)
    encoder = TableEncoder(scaling).fit(frame)
    whole = encoder.transform(frame)
    table = pa.Table.from_pandas(frame)
    alone = np.concatenate([encoder.transform(table.slice(i, 1)) for i in range(len(frame))])
    order = np.random.default_rng(1).permutation(len(frame))
    assert alone.tobytes() == whole.tobytes()
    assert encoder.transform(frame.iloc[order]).tobytes() == whole[order].tobytes()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_storage_is_exact(scaling):
    frame = mixed()
    encoder = TableEncoder(scaling, drop=("flag",), owner="ALAD").fit(frame)
    again = TableEncoder.from_state(json.loads(json.dumps(encoder.state(), allow_nan=False)))
    assert again.state() == encoder.state()
    assert again.transform(frame).tobytes() == encoder.transform(frame).tobytes()
    assert again.output_names_ == encoder.output_names_
    np.testing.assert_array_equal(again.source_, encoder.source_)
    np.testing.assert_array_equal(again.feature_names_in_, encoder.feature_names_in_)


@pytest.mark.parametrize(
    "convert",
    [
        pl.from_pandas,
        pa.Table.from_pandas,
        lambda frame: frame.convert_dtypes(),
        lambda frame: frame.astype(object),
        lambda frame: frame.astype({"protocol": "category", "state": "category"}),
    ],
)
def test_every_container_gives_the_same_matrix(convert):
    frame = mixed()
    encoder = TableEncoder().fit(frame)
    assert encoder.transform(convert(frame)).tobytes() == encoder.transform(frame).tobytes()
    fitted = TableEncoder().fit(convert(frame))
    assert fitted.state() == encoder.state()


def test_row_order_at_fit_changes_no_output_name():
    frame = mixed()
    assert TableEncoder().fit(frame[::-1]).output_names_ == TableEncoder().fit(frame).output_names_


def test_the_input_is_left_alone():
    X = np.array([[1.0, np.nan], [1e300, 2.0]])
    before = X.copy()
    TableEncoder().fit_transform(X)
    np.testing.assert_array_equal(X, before)


def test_fitting_again_forgets_names():
    encoder = TableEncoder().fit(pd.DataFrame({"a": [1.0, 2.0]}))
    assert not hasattr(encoder.fit(np.eye(2)), "feature_names_in_")


# --- columns by name ------------------------------------------------------------------------------


def test_reordered_columns_are_put_right():
    frame = mixed()
    encoder = TableEncoder().fit(frame)
    assert encoder.transform(frame[frame.columns[::-1]]).tobytes() == (
        encoder.transform(frame).tobytes()
    )


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            lambda frame: frame.drop(columns=["heavy", "flag"]),
            "X has 7 features, but ALAD is expecting 9 features as input; missing: 'heavy', 'flag'",
        ),
        (
            lambda frame: frame.drop(columns=["flag"]).assign(new=1, newer=2),
            "X has 10 features, but ALAD is expecting 9 features as input; "
            "missing: 'flag'; unknown: 'new', 'newer'",
        ),
        (
            lambda frame: frame.rename(columns={"flag": "Flag"}),
            "X has other columns than at fit; missing: 'flag'; unknown: 'Flag'",
        ),
    ],
)
def test_missing_columns_are_named_beside_unknown_ones(change, what):
    encoder = TableEncoder(owner="ALAD").fit(mixed())
    with pytest.raises(InputError) as caught:
        encoder.transform(change(mixed()))
    assert str(caught.value) == f"{what}; give it all columns of fit"


@pytest.mark.parametrize("size", [200, 70])
def test_columns_that_were_not_there_at_fit_are_left_unused_and_named_once(size):
    frame = mixed()
    encoder = TableEncoder(drop="state").fit(frame)
    wider = frame.assign(label=1, when=pd.Timestamp("2020"))[
        ["when", *frame.columns[::-1], "label"]
    ]
    source = TableSource(lambda: (wider[at : at + size] for at in range(0, 200, size)))
    with pytest.warns(UserWarning, match=r"left unused: 'when', 'label'$") as caught:
        assert encoder.transform(source).tobytes() == encoder.transform(frame).tobytes()
    assert len(caught) == 1
    assert encoder.unread(list(wider.columns)) == ["when", "state", "label"]


def test_an_array_of_another_width_is_refused_as_it_has_no_names():
    encoder = TableEncoder().fit(mixed()[["heavy", "holes"]].to_numpy())
    assert encoder.unread(["heavy", "label"]) == []
    with pytest.raises(InputError, match="X has 3 features, but TableEncoder is expecting 2"):
        encoder.transform(np.ones((4, 3)))


def test_dropped_columns_may_be_there_or_not():
    frame = mixed()
    encoder = TableEncoder(drop="state").fit(frame)
    assert not any(name.startswith("state") for name in encoder.output_names_)
    without = encoder.transform(frame.drop(columns="state"))
    assert without.tobytes() == encoder.transform(frame).tobytes()


def test_dropped_columns_may_hold_anything():
    frame = mixed().assign(when=pd.Timestamp("2020"), many=[[1]] * 200)
    with pytest.raises(InputError, match=r"'when' holds dates or times .* drop=\['when'\]"):
        TableEncoder().fit(frame)
    assert TableEncoder(drop=["when", "many"]).fit(frame).width_ == (
        TableEncoder().fit(mixed()).width_
    )


@pytest.mark.parametrize("drop", [[1], ["x1"], np.array([1])])
def test_columns_of_arrays_are_dropped_by_number(drop):
    encoder = TableEncoder("none", drop).fit(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(encoder.transform([[9, 8, 7]]), [[9, 7]])
    assert json.loads(json.dumps(encoder.state()))["drop"] in ([1], ["x1"])


def labelled(labels: list) -> pd.DataFrame:
    """Three columns of very different sizes."""
    return pd.DataFrame([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]], columns=labels)


@pytest.mark.parametrize("labels", [[1, 2, 3], [3, 0, 7], [2, 1, 0], [1.5, 2.5, 0.5]])
def test_labels_that_are_no_text_are_names(labels):
    """Read without a header line, or after a column was taken out: the label is what is meant."""
    frame = labelled(labels)
    encoder = TableEncoder("none").fit(frame)
    assert encoder.output_names_ == [str(label) for label in labels]
    turned = frame[frame.columns[::-1]]
    assert encoder.transform(turned).tobytes() == encoder.transform(frame).tobytes()
    with pytest.raises(InputError, match="X has other columns than at fit"):
        encoder.transform(labelled([11, 12, 13]))


def test_labels_of_several_levels_are_joined():
    frame = labelled(pd.MultiIndex.from_tuples([(1, "a"), (2, "a"), (1, "b")]))
    encoder = TableEncoder("none", ["2/a"]).fit(frame)
    assert encoder.output_names_ == ["1/a", "1/b"]
    np.testing.assert_array_equal(encoder.transform(frame[frame.columns[::-1]])[0], [1, 100])


def test_numbers_drop_the_column_that_a_frame_labels_so():
    frame = labelled([1, 2, 3])
    np.testing.assert_array_equal(TableEncoder("none", [1]).fit_transform(frame)[0], [10, 100])
    np.testing.assert_array_equal(TableEncoder("none", 3).fit_transform(frame)[0], [1, 10])
    with pytest.raises(InputError, match="no column named '0' to drop; there are '1', '2', '3'"):
        TableEncoder("none", [0]).fit(frame)


def test_labels_that_only_count_are_no_names_and_yet_not_mixed_up():
    frame = labelled([0, 1, 2])
    encoder = TableEncoder("none", [1]).fit(frame)
    assert not hasattr(encoder, "feature_names_in_")  # as scikit-learn has it
    for X in (frame, frame.to_numpy(), frame[[2, 0, 1]], frame[[1, 2, 0]]):
        np.testing.assert_array_equal(encoder.transform(X), [[1, 100], [2, 200]])
    turned = TableEncoder("none").fit(frame[[2, 0, 1]])
    np.testing.assert_array_equal(turned.transform(frame)[0], [100, 1, 10])


def test_what_cannot_be_dropped():
    with pytest.raises(InputError, match="no column named 'z' to drop; there are 'a'"):
        TableEncoder(drop=["z"]).fit(pd.DataFrame({"a": [1]}))
    with pytest.raises(InputError, match="drop leaves no column; there were 'a'"):
        TableEncoder(drop=["a"]).fit(pd.DataFrame({"a": [1]}))


def test_arrays_of_another_width():
    encoder = TableEncoder(owner="ALAD").fit(np.eye(121))
    with pytest.raises(
        InputError, match=r"^X has 30 features, but ALAD is expecting 121 features as input; give "
    ):
        encoder.transform(np.ones((2, 30)))


def test_names_on_one_side_only_are_taken_in_order_with_a_warning():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        got = TableEncoder("none").fit(frame).transform(frame.to_numpy())
    np.testing.assert_array_equal(got, frame.to_numpy())
    with pytest.warns(UserWarning, match="X has feature names, but"):
        TableEncoder("none").fit(frame.to_numpy()).transform(frame)


def test_a_kind_is_settled_at_fit():
    encoder = TableEncoder("none").fit(pd.DataFrame({"n": [1.0, 2.0], "c": ["1", "b"]}))
    got = encoder.transform(pd.DataFrame({"n": ["2.5"], "c": [1]}))
    np.testing.assert_array_equal(got, [[2.5, 1, 0, 0]])
    with pytest.raises(InputError, match=r"'n' holds 'high' \(row 1\) where a number is due"):
        encoder.transform(pd.DataFrame({"n": ["high"], "c": ["b"]}))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, "inf"])
def test_infinity_is_refused_with_its_column(bad):
    with pytest.raises(InputError, match=r"'a' contains infinity \(row 2\)"):
        encoded([1.0, 2.0], [1.0, bad])
    with pytest.raises(InputError, match=r"'x1' contains infinity \(row 1\)"):
        TableEncoder().fit([[1.0, bad], [2.0, 3.0]])


def written_as(form: str, levels: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"share": [form.format(at % levels) for at in range(200)], "b": np.arange(200) % 17}
    )


@pytest.mark.parametrize("form", ["{}%", "{} %", "1,{:03}", "${}.50", "{}.5 °C", "{:03} €"])
def test_numbers_with_marks_are_no_categories(form):
    with pytest.raises(InputError, match=r"'share' holds '.*' \(row 1\), which is no plain number"):
        TableEncoder().fit(written_as(form, levels=40))
    with pytest.warns(UserWarning, match="'share' is read as categories, though it looks like num"):
        few = TableEncoder().fit(written_as(form, levels=5))
    assert len([name for name in few.output_names_ if name.startswith("share=")]) == 6


@pytest.mark.parametrize("form", ["{}-{}", "v{}", "10.0.{}", "{}% off", "{:02}:x", "{:03}x"])
def test_labels_with_digits_stay_categories(form):
    table = written_as(form.replace("{}-{}", "{}-1"), levels=40)
    assert len(TableEncoder().fit(table).output_names_) == 42


def test_images_are_no_table():
    encoder = TableEncoder().fit(np.eye(3))
    for ask in (encoder.transform, encoder.read):
        with pytest.raises(InputError, match="X is images, but this model is of a table"):
            ask(np.zeros((2, 8, 8)))


def test_what_no_learnt_row_had_is_found_and_filled():
    table = pd.DataFrame(
        {"n": [1.0, 2.0, 4.0], "c": 5.0, "kind": ["a", "b", "b"], "gaps": ["x", None, "x"]}
    )
    new = pd.DataFrame(
        [
            [3.0, 5.0, "a", None],
            [None, 5.0, None, None],
            [9.0, 6.0, "z", "z"],
        ],
        columns=table.columns,
    )
    for scaling in ("standard", "none", "quantile"):
        encoder = TableEncoder(scaling).fit(table)
        for again in (encoder, TableEncoder.from_state(json.loads(json.dumps(encoder.state())))):
            rows = again.read(new).encoded
            holes, values = again.known_.novel(rows)
            assert holes.tolist() == [[False] * 4, [True, False, True, False], [False] * 4]
            assert values.tolist() == [[False] * 4, [False] * 4, [False, True, True, True]]
            median = again.transform(new.assign(n=2.0))
            filled = again.known_.filled(rows)
            np.testing.assert_array_equal(filled[1], median[1])
            np.testing.assert_array_equal(filled, again.transform(new))


@pytest.mark.parametrize(
    "column",
    [
        range(30),
        range(60, 30, -1),
        np.random.default_rng(0).permutation(30),
        range(0, 90, 3),
    ],
)
def test_a_column_that_numbers_the_rows_is_a_warning(column):
    table = pd.DataFrame({"Unnamed: 0": column, "b": np.random.default_rng(1).normal(size=30)})
    with pytest.warns(UserWarning, match=r"'Unnamed: 0' numbers the rows .* drop=\['Unnamed: 0'\]"):
        TableEncoder().fit(table)
    TableEncoder(drop=["Unnamed: 0"]).fit(table)
    for calm in (np.arange(30) % 29, np.arange(30) / 2, [5.0] * 30, [None, *range(29)]):
        TableEncoder().fit(table.assign(**{"Unnamed: 0": calm}))


@pytest.mark.parametrize(
    ("name", "column", "told"),
    [
        ("ts", np.cumsum(np.arange(1, 31) ** 2), "rises or falls from row to row .*drop ts"),
        ("left", -np.cumsum(np.arange(1, 31) ** 2), "rises or falls from row to row"),
        ("user_id", np.arange(1, 31) ** 2 * 7919 % 10007, "has another number in every row"),
        ("orderId", np.arange(1, 31) ** 2 * 7919 % 10007, "has another number in every row"),
        ("Serial No.", np.arange(1, 31) ** 2 * 7919 % 10007, r"--drop 'Serial No\.'"),
    ],
)
def test_numbers_that_tell_rows_apart_are_a_warning(name, column, told):
    with pytest.warns(UserWarning, match=told):
        TableEncoder().fit(pd.DataFrame({name: column, "b": np.arange(30) % 7}))
    shuffled = np.random.default_rng(0).permutation(column)
    for calm in ("humid", "watts", "kid", "modulus"):  # measured, as its name says
        TableEncoder().fit(pd.DataFrame({calm: shuffled, "b": np.arange(30) % 7}))
    repeated = np.where(np.arange(30) == 9, shuffled[0], shuffled)
    TableEncoder().fit(pd.DataFrame({name: repeated}))


@pytest.mark.parametrize("scaling", SCALINGS)
def test_decoding_gives_back_short_numbers_as_they_were(scaling: str):
    generator = np.random.default_rng(0)
    x = np.round(generator.normal(300, 100, 200), 1)[:, np.newaxis]
    encoder = TableEncoder(scaling).fit(x)
    again = np.array(encoder.decode(encoder.transform(x)), dtype=float)
    assert np.mean(again == x) > 0.98


def test_decoding_tells_zero_from_what_is_next_to_it():
    generator = np.random.default_rng(0)
    x = np.where(generator.random(300) < 0.9, 0.0, generator.random(300) * 3e-3) - 1e-3 * (
        np.arange(300) % 7 == 0
    )
    encoder = TableEncoder().fit(x[:, np.newaxis])
    again = np.array(encoder.decode(encoder.transform(x[:, np.newaxis])))[:, 0]
    assert ((again == 0) == (x == 0)).all()
    np.testing.assert_allclose(again, x, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_hole_in_one_row_changes_no_other_row(scaling: str):
    """Blocks without a hole take another way to the same numbers."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(600, 4)) * [1, 1e3, 1e-3, 1]
    X[:, 3] = 7  # once constant
    X[0, 1] = np.nan
    encoder = TableEncoder(scaling).fit(X)
    new = X[300:].copy()
    due = encoder.transform(new)
    new[17, [1, 2]] = np.nan
    got = encoder.transform(new)
    np.testing.assert_array_equal(np.delete(got, 17, axis=0), np.delete(due, 17, axis=0))
    assert not np.array_equal(got[17], due[17])


@pytest.mark.parametrize("scaling", ["none", "minmax", "standard"])
def test_numbers_in_c_are_those_of_numpy_to_the_last_bit(scaling: str):
    assert build.problem() is None
    generator = np.random.default_rng(0)
    X = generator.normal(size=(700, 37)) * 10.0 ** generator.integers(-200, 200, 37)
    X[5:8] = [[1e200], [-1e300], [-0.0]]  # beyond all limits, and a sign of zero
    encoder = TableEncoder(scaling).fit(X[100:])
    by_numpy, _ = encoder.number_codes_.block(X)
    by_c = encoder.transform(X)
    due = by_numpy.astype(np.float32)
    np.testing.assert_array_equal(by_c.view(np.uint32), due.view(np.uint32))
