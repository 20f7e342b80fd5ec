"""Numbers as people write them: read right, or refused, or warned of; never silently categories."""

import itertools
import json
import math
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alad.data.column_kinds import guess
from alad.data.reading import read_table, write_table
from alad.data.spelling import are_measures, decimal_mark, number, spelled
from alad.encoding import TableEncoder
from alad.errors import InputError

SPELLINGS = {  # text -> (value with its own mark before decimals, what it says of that mark)
    "12": (12, ""),
    "+7": (7, ""),
    "-1.5": (-1.5, "."),
    " 2.50 ": (2.5, "."),
    ".5": (0.5, "."),
    "5.": (5, "."),
    "1e5": (1e5, ""),
    "1.5E-05": (1.5e-5, "."),
    "20,5": (20.5, ","),
    ",5": (0.5, ","),
    "1,2E-05": (1.2e-5, ","),
    "0,123": (0.123, ","),  # no thousands begin with 0
    "1234,567": (1234.567, ","),
    "1,23": (1.23, ","),
    "1,2345": (1.2345, ","),
    "4,500": (4.5, "?,"),
    "-4,500": (-4.5, "?,"),
    "4.500": (4.5, "?."),
    "1,234.5": (1234.5, "."),
    "1.234,5": (1234.5, ","),
    "1,234,567": (1234567, "."),
    "1.234.567": (1234567, ","),
    "12,345,678.25": (12345678.25, "."),
    "1 234": (1234, ""),
    "1 234,5": (1234.5, ","),
    "1\u202f234,5": (1234.5, ","),
    "1\u00a0234\u00a0567": (1234567, ""),
    "1'234.5": (1234.5, "."),
    "1’234.5": (1234.5, "."),
    "\u22123,5": (-3.5, ","),
    "\u2013 2": (-2, ""),
    "１２": (12, ""),
    "1,23,456": (123456, "."),  # in India
    "12,34,567.5": (1234567.5, "."),
    "٢٠٫٥": (20.5, "."),
    "١٬٢٣٤": (1234, ""),
    "\u200b12\ufeff": (12, ""),
    "\u200e-1.5": (-1.5, "."),
    "inf": (math.inf, ""),
    "-Infinity": (-math.inf, ""),
}
NO_NUMBERS = [
    *("", "-", "abc", "1.2.3", "10.0.0.1", "1 23", "1 2", "12 3456", "1,2,345,67", "1..2", "1,.2"),
    *("1_000", "0x10", "1,000,00", "1.5 2", "1.234,567.8", "e5", ".", ",", "1e", "12 %", "007x"),
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_has_its_value(text):
    assert spelled(text) == SPELLINGS[text]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number(text):
    assert spelled(text) is None


@pytest.mark.parametrize(
    ("text", "decimal", "expected"),
    [
        ("4,500", ",", 4.5),
        ("4,500", ".", None),
        ("4,500", None, None),
        ("4.500", ".", 4.5),
        ("4.500", ",", None),
        ("20,5", ".", 20.5),
        ("20.5", ",", 20.5),
        ("x", ".", None),
    ],
)
def test_what_can_be_two_numbers_is_one_only_where_the_mark_is_known(text, decimal, expected):
    assert number(text, decimal) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["20,5", "x", "7", "4,500"], ","),
        (["20.5", "1,234.5"], "."),
        (["20,5", "20.5"], None),
        (["4,500", "4.500", "7"], None),
    ],
)
def test_the_mark_of_a_file(texts, expected):
    assert decimal_mark(texts) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["12 %", "5 %", "7"], True),
        (["23.5 °C", "-1 °C"], True),
        (["$5", "$7.50"], True),
        (["5V", "12V"], True),
        (["5 kg/m3"], True),
        (["1,5 bar", "2,0 bar"], True),
        (["7.97E01 %", "-9.3E-00 %", "1e3 %"], True),
        (["€ ,79", "-€ 1,5"], True),
        (["-11 732 740x", "5x"], True),
        (["12 %", "5 kg"], False),
        (["12A", "12B"], False),
        (["2D", "3D"], False),
        (["007x", "008x"], False),
        (["1st", "2nd"], False),
        (["10.0.0.1"], False),
        (["20.5-", "3"], True),
        (["5-"], True),
        (["(20.5)", "3"], True),
        (["<0.5", "3"], True),
        (["<18", ">65"], False),
        (["~3"], True),
        (["'20"], True),
        (["EUR 20", "EUR 1,234.50"], True),
        (["Rs. 5"], True),
        (["EURO 20"], False),
        (["v1.2"], False),
        (["1.2 × 10^3"], True),
        (["1.2·10⁻³"], True),
        (["1.2D+03"], True),
        (["1_200"], True),
        (["5 l/100 km"], True),
        (['19.5"', '20"'], True),
        (["5 mV", "2 V"], True),
        (["1.5k", "2.5M"], True),
        (["5s", "4s"], False),
        (["10-20", "20-30"], False),
        (["0xff"], False),
    ],
)
def test_numbers_with_one_unit(texts, expected):
    assert are_measures(texts) is expected


# --- columns --------------------------------------------------------------------------------------


def fitted(texts: list[str], how: str = "none") -> TableEncoder:
    return TableEncoder(how).fit(pd.DataFrame({"a": texts}))


def values(texts: list[str]) -> list[float]:
    encoder = fitted(texts)
    assert encoder.output_names_[0] == "a", "read as categories"
    return encoder.transform(pd.DataFrame({"a": texts}))[:, 0].tolist()


def written(x: float, decimal: str, between: str = "", digits: int = 2, minus: str = "-") -> str:
    """A number as it is written somewhere."""
    whole, _, decimals = f"{abs(x):,.{digits}f}".partition(".")
    text = whole.replace(",", between) + (decimal + decimals if digits else "")
    return minus + text if x < 0 else text


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("between", ["", " ", "\u00a0", "\u202f", "'", "other"])
@pytest.mark.parametrize("minus", ["-", "\u2212"])
@pytest.mark.parametrize("digits", [1, 2, 4])
def test_columns_of_every_way_to_write_numbers(decimal, between, minus, digits):
    between = {".": ",", ",": "."}[decimal] if between == "other" else between
    x = np.random.default_rng(0).normal(0, 5e4, 60).round(digits)
    texts = [written(each, decimal, between, digits, minus) for each in x.tolist()]
    np.testing.assert_array_equal(values([*texts, "?"])[:-1], x.astype(np.float32))


@pytest.mark.parametrize("seed", range(40))
def test_mixed_spellings_are_numbers_or_told_of(seed):
    """A column of spellings drawn at random: right values, or a message that names it."""
    generator = np.random.default_rng(seed)
    marks = generator.choice([".", ","], 2)
    betweens = [generator.choice([*{"", " ", "'", ".", ","} - {mark}]) for mark in marks]
    x = generator.normal(0, 1e4, 50).round(int(generator.integers(0, 4)))
    texts = [
        written(each, str(marks[at % 2]), str(betweens[at % 2]), int(generator.integers(1, 4)))
        for at, each in enumerate(x.tolist())
    ]
    try:
        got = values(texts)
    except InputError as error:
        assert "'a'" in str(error)
        return
    for each, text, value in zip(x, texts, got, strict=True):
        digits = len(text) - max(text.rfind("."), text.rfind(",")) - 1
        assert value == pytest.approx(round(float(each), digits), rel=1e-6, abs=0.51 * 10**-digits)


@pytest.mark.parametrize("count", [5, 40])
@pytest.mark.parametrize(
    "form",
    [
        *("{},{:03}", "{} %", "{}.5 °C", "{}kg", "£{}", "{:03} €", "{} km/h", "{}V", "{} m²"),
        *("{}.5-", "({}.5)", "<{}.5", "~{}", "EUR {}", "{} × 10^3", "{}.5D+03"),
    ],
)
def test_what_is_not_read_is_told_by_name(form, count):
    """Few values could be labels, so that they are a warning; many are refused."""
    texts = [form.format(at + 1, at) for at in range(count)] * 3
    if count > 20:
        with pytest.raises(
            InputError, match=r"column 'a' holds '.*' \(row \d+\), which is no plain"
        ):
            fitted(texts)
    else:
        with pytest.warns(UserWarning, match="'a' is read as categories, though it looks like num"):
            assert len(fitted(texts).output_names_) == count + 1


def test_many_numbers_among_labels_are_warned_of():
    texts = [*map(str, range(30)), *(f"V{at}" for at in range(20))]
    with pytest.warns(
        UserWarning, match="'a' is read as categories, though 30 of its 50 values are"
    ):
        fitted(texts * 3)
    assert len(fitted(["1", "2", "3", "x"] * 9).output_names_) == 5  # few are labels


def test_points_that_may_stand_between_thousands_are_told_of(tmp_path):
    """4.500 rpm among 999 rpm, and no other decimals anywhere."""
    texts = ["999", "750", *(f"{at}.{37 * at % 1000:03}" for at in range(1, 40))]
    with pytest.warns(UserWarning, match=r"column 'a' is read as '1.037' = 1.037; if points stand"):
        assert values(texts)[:3] == [999, 750, np.float32(1.037)]
    for calm in (texts[2:], [*texts, "1.5"], [*texts, "0.999"], ["999", *texts[2:10]]):
        values(calm)
    lines = "".join(f"{text},{at / 10}\n" for at, text in enumerate(texts))
    (tmp_path / "a.csv").write_text("rpm,pres\n" + lines)  # where a point is known to be one
    TableEncoder().fit(read_table(tmp_path / "a.csv"))


@pytest.mark.parametrize("slip", ["-", "n.a.", "#DIV/0!", "offline", "twelve"])
def test_a_word_among_few_numbers_is_told_by_name(slip):
    with pytest.warns(UserWarning, match="'a' is read as categories, though 2 of its 3 values are"):
        fitted(["20.5", "21.0", slip] * 9)
    with pytest.raises(InputError, match="'a' holds numbers, but also"):
        fitted([f"{at}.5" for at in range(30)] + [slip])


def test_a_comma_before_three_digits_is_told_by_the_rest_of_its_column():
    assert values(["4,500", "20,5"]) == [4.5, 20.5]
    assert values(["4,500", "0,125"]) == [4.5, 0.125]
    assert values(["4.500", "20.5"]) == [4.5, 20.5]
    assert values(["4.500", "1.234"]) == [4.5, np.float32(1.234)]  # a point has always been one
    for other in ("1,234.5", "1,234,567"):
        with pytest.warns(UserWarning, match="'a' is read as categories"):
            fitted(["4,500", other])


@pytest.mark.parametrize(
    "texts",
    [
        ["31.12.2020 23:59", "1.1.2021 00:00"],
        ["31-Dec-2020", "1-Jan-2021"],
        ["Dec 31, 2020", "January 1st, 2021"],
        ["20201231T235959", "20210101T000000"],
        ["2020-12", "2021-01"],
        ["12:30 PM", "1:15 pm"],
        ["2020-W53-1", "2021-W01-2"],
        ["2020-Q1", "2021Q4"],
        ["31. März 2020", "1. Mai 2020"],
        ["31-mrt-2020", "1 août 2020"],
        ["1h 2m", "3 hours 4 min"],
        ["0 days 00:01:00", "-1 day, 23:59:59.5"],
        ["PT1H2M", "P3DT5S"],
        ["2020-01-01", "2021-05-31"] * 20 + ["unknown"],
    ],
)
def test_dates_as_people_write_them_are_refused(texts):
    many = [*texts, *(f"2020-01-{day:02}" for day in range(1, 29))] if len(texts) > 2 else texts
    with pytest.raises(InputError, match="'a' holds dates or times"):
        fitted(many)


@pytest.mark.parametrize(
    "texts",
    [
        *(["marker 12", "decoder 22"], ["may be", "mars"], ["1-2", "3-4"], ["A 1", "B 2"]),
        *(["5d", "7m"], ["PT", "PX"], ["2 doors 4 seats", "3 doors"], ["Q1", "Q2"]),
    ],
)
def test_labels_that_begin_like_months_or_days_stay_labels(texts):
    assert len(fitted(texts).output_names_) == 3


AFFIXES = [
    *(
        ("", ""),
        ("", " %"),
        ("", "°C"),
        ("", " kg"),
        ("$", ""),
        ("", " €"),
        ("USD ", ""),
        ("~", ""),
    ),
    *(("", " km/h"), ("", " kWh/m²"), ("(", ")"), ("", "-"), ("'", ""), ("\u200b", "\u00a0")),
]


@settings(max_examples=300, deadline=None)
@given(
    numbers=st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=40),
    digits=st.integers(0, 4),
    decimal=st.sampled_from([".", ","]),
    between=st.sampled_from(["", " ", "\u202f", "\u2009", "'", "’", "other"]),
    minus=st.sampled_from(["-", "\u2212", "- "]),
    affix=st.sampled_from(AFFIXES),
    missing=st.sampled_from([[], [""], ["NA", " nan "]]),
)
def test_a_column_written_in_one_way_is_read_right_or_told_of(
    numbers, digits, decimal, between, minus, affix, missing
):
    """Never categories without a word that names the column."""
    between = {".": ",", ",": "."}[decimal] if between == "other" else between
    x = [round(number / 10**digits, digits) for number in numbers]
    before, after = affix
    texts = [before + written(each, decimal, between, digits, minus) + after for each in x]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            column = guess("a", pa.array([*texts, *missing]))
        except InputError as error:
            assert "'a'" in str(error)
            return
    if column.levels is not None:
        # without decimals or more than a letter beside them: digits, which may be labels
        assert any("'a'" in str(one.message) for one in told), texts[:3]
        return
    got = column.values[: len(x)]
    # few whole numbers such as 1.234 and 999 say nothing of a point; more are warned of
    if digits or decimal == "." or between != "." or len({t for t in texts if "." in t}) >= 20:
        assert np.allclose(got, x, rtol=1e-12, atol=0) or told
    assert np.isnan(column.values[len(x) :]).all()


# --- files, and scoring ---------------------------------------------------------------------------


def frame() -> pd.DataFrame:
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "temp": generator.normal(20, 3, 80).round(1),
            "fine": generator.normal(5, 1, 80).round(3),
            "kind": generator.choice(["u", "v"], 80),
        }
    )


@pytest.mark.parametrize("delimiter", [";", "\t", ",", "|"])
def test_decimal_commas_are_read_from_every_kind_of_file(tmp_path, delimiter):
    """Those of quoted cells too; the third decimal of "fine" could be one of thousands."""
    frame().to_csv(tmp_path / "a.csv", sep=delimiter, decimal=",", index=False)
    frame().to_csv(tmp_path / "b.csv", index=False)
    commas, points = (read_table(tmp_path / name) for name in ("a.csv", "b.csv"))
    expected = TableEncoder("standard").fit_transform(frame())
    encoder = TableEncoder("standard")
    assert encoder.fit_transform(commas).tobytes() == expected.tobytes()
    assert [code["decimal"] for code in encoder.state()["codes"][:2]] == [",", ","]
    assert encoder.transform(points).tobytes() == expected.tobytes()
    again = TableEncoder.from_state(json.loads(json.dumps(encoder.state())))
    assert again.transform(commas).tobytes() == expected.tobytes()
    assert TableEncoder("standard").fit(points).transform(commas).tobytes() == expected.tobytes()


@pytest.mark.parametrize("target", ["b.csv", "b.parquet", "b.arrow"])
def test_cells_with_commas_stay_as_they_are_or_become_numbers(tmp_path, target):
    (tmp_path / "a.csv").write_text("rpm;pres;code\n4,500;1,25;007\n999;0,5;008\n")
    write_table(read_table(tmp_path / "a.csv"), tmp_path / target)
    rows = read_table(tmp_path / target).to_pydict()
    texts = {"rpm": ["4,500", "999"], "pres": ["1,25", "0,5"], "code": ["007", "008"]}
    assert rows == (
        texts if target == "b.csv" else {**texts, "rpm": [4.5, 999], "pres": [1.25, 0.5]}
    )


@pytest.mark.parametrize("count", [3, 60])
def test_thousands_in_a_file_with_decimal_points_are_told_of(tmp_path, count):
    rows = "".join(f"{at + 1},{at:03};{at / 100:.2f}\n" for at in range(count))
    (tmp_path / "a.csv").write_text("rpm;pres\n" + rows)
    table = read_table(tmp_path / "a.csv")
    if count > 20:
        with pytest.raises(InputError, match=r"'rpm' holds '1,000' \(row 1\), which is no plain"):
            TableEncoder().fit(table)
    else:
        with pytest.warns(UserWarning, match="'rpm' is read as categories"):
            TableEncoder().fit(table)


def test_points_that_can_be_thousands_in_a_file_with_decimal_commas_are_told_of(tmp_path):
    rows = "".join(f"{at + 1}.{at:03};{at},5\n" for at in range(60))
    (tmp_path / "a.csv").write_text("rpm;pres\n" + rows)
    with pytest.raises(
        InputError, match=r"'rpm' holds '1.000' \(row 1\), which is no plain number"
    ):
        TableEncoder().fit(read_table(tmp_path / "a.csv"))


def test_a_row_alone_is_read_by_the_mark_of_training():
    encoder = TableEncoder("none").fit(pd.DataFrame({"a": ["20,5", "1,25"], "b": ["1.5", "2.25"]}))

    def one(a: object, b: object) -> list[float]:
        return encoder.transform(pd.DataFrame({"a": [a], "b": [b]}))[0].tolist()

    assert one("4,500", "4.500") == [4.5, 4.5]
    assert one("20.5", "20,5") == [20.5, 20.5]
    assert one("\u22122,5", "1 234.5") == [-2.5, 1234.5]
    assert one(4.5, 7) == [4.5, 7]
    for a, b in (("4.500", "1"), ("1", "4,500")):
        what = r"whose comma or point can stand before decimals or between thousands; write it as"
        with pytest.raises(InputError, match=what):
            one(a, b)


@pytest.mark.parametrize("parts", [*itertools.permutations([["4,500"], ["20,5"], ["7"], ["1.5"]])])
def test_batches_are_read_by_what_all_of_them_say(parts):
    from alad.data.source import TableSource

    tables = [pa.table({"a": part}) for part in parts]
    got = TableEncoder("none").fit_transform(TableSource(lambda: tables))
    expected = {"4,500": 4.5, "20,5": 20.5, "7": 7, "1.5": 1.5}
    assert got[:, 0].tolist() == [expected[part[0]] for part in parts]


def test_few_numbers_with_decimals_and_a_slip_are_told_of():
    cells = ["1.5", "2.5", "3.25", "4.5", "5.75", "n.d."]
    with pytest.warns(
        UserWarning, match=r"though 5 of its 6 values are .* such as 'n\.d\.' \(row 6"
    ):
        fitted(cells)


def test_a_slip_among_numbers_with_units_is_told_of():
    cells = [f"{number / 4} °C" for number in range(30)]
    with pytest.raises(InputError, match="'a' holds numbers, but also 'oops'"):
        fitted([*cells, "oops"])
    with pytest.warns(UserWarning, match="though 6 of its 7 values are numbers"):
        fitted([*cells[1:10:2], "7.25 °C", "oops"])


def test_slips_among_numbers_with_units_may_look_like_other_units():
    cells = [f"{sign}€ {number},{number}5" for number in range(15) for sign in ("", "-")]
    with pytest.warns(UserWarning, match="though 30 of its 34 values are numbers"):
        fitted([*cells, "0x1F", "1,5,2", "5 kg", "+-2"])


def test_codes_that_end_in_letters_are_labels():
    cells = [f"{number}{letter}" for number in range(10, 20) for letter in "ABCDVW"]
    assert fitted([*cells, "other"] * 3).state()["codes"][0]["kind"] == "category"


def test_few_whole_numbers_and_a_word_are_labels():
    assert fitted(["1", "2", "3", "4", "5", "other"]).state()["codes"][0]["kind"] == "category"


def test_batches_that_could_be_either_are_told_of_together():
    from alad.data.source import TableSource

    tables = [pa.table({"a": [text]}) for text in ("4.500", "20,5")]
    with pytest.warns(UserWarning, match="'a' is read as categories"):
        TableEncoder("none").fit(TableSource(lambda: tables))


def test_a_stored_mark_that_is_none_is_refused():
    state = fitted(["1,5", "2,5"]).state()
    state["codes"][0]["decimal"] = ";"
    with pytest.raises(InputError, match="stored in a way that was never written"):
        TableEncoder.from_state(state)
    del state["codes"][0]["decimal"]
    with pytest.raises(InputError, match="column 'a' is stored without its decimal"):
        TableEncoder.from_state(state)
