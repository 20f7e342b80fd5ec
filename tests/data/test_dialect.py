"""Delimiters, headers and ends of rows as people's programs write them; and what is no table."""

import csv
import io

import numpy as np
import pytest

from alad.data.reading import read_table
from alad.errors import InputError


def read(tmp_path, text: str) -> dict[str, list[str]]:
    path = tmp_path / "a.csv"
    path.write_text(text, "utf-8", newline="")
    return read_table(path).to_pydict()


READ = {
    "units with commas": (
        "temp, C;pres, bar\n20;1.5\n21;0.9\n",
        {"temp, C": ["20", "21"], "pres, bar": ["1.5", "0.9"]},
    ),
    "units with commas, tabs": (
        "temp, C\tpres, bar\n20\t1\n21\t0\n",
        {"temp, C": ["20", "21"], "pres, bar": ["1", "0"]},
    ),
    "a comma in one name, text": (
        "kind;temp, C\nx;20\ny;21\n",
        {"kind": ["x", "y"], "temp, C": ["20", "21"]},
    ),
    "a semicolon in a name": ("a;b,c\n1,2\n3,4\n", {"a;b": ["1", "3"], "c": ["2", "4"]}),
    "a bar in a name": ("a|b,c\n1,2\n3,4\n", {"a|b": ["1", "3"], "c": ["2", "4"]}),
    "commas in text": ("id;name\n1;Doe, Jane\n", {"id": ["1"], "name": ["Doe, Jane"]}),
    "quotes": ('"a, b";c\n"x;y";1\n', {"a, b": ["x;y"], "c": ["1"]}),
    "told": ("sep=;\na;b\n1;2\n", {"a": ["1"], "b": ["2"]}),
    "told, on Windows": ("SEP=|\r\na|b\r\n1|2\r\n", {"a": ["1"], "b": ["2"]}),
    "told, of an unusual one": ("sep=^\na^b\n1^2\n", {"a": ["1"], "b": ["2"]}),
    "told in quotes": ('"sep=;"\na;b\n1;2\n', {"a": ["1"], "b": ["2"]}),
    "ends of rows of one column": ("a;\n1.5;\n2.5;\n", {"a": ["1.5", "2.5"]}),
    "inches": ('a,b\n19.5",1\n20.5",2\n', {"a": ['19.5"', '20.5"'], "b": ["1", "2"]}),
    "quotes over lines": (
        'a,b\n"x ""y"" z,\nw",1\nv,2\n',
        {"a": ['x "y" z,\nw', "v"], "b": ["1", "2"]},
    ),
    "bars in one column of labels": ("tags\nx|y\nz|w\n", {"tags": ["x|y", "z|w"]}),
    "ends of rows": ("a,b,\n1,2,\n3,4,\n", {"a": ["1", "3"], "b": ["2", "4"]}),
    "ends of rows, not of the header": ("a;b\n1;2;\n3;4;\n", {"a": ["1", "3"], "b": ["2", "4"]}),
    "ends of rows and a header of lines": ('"a\nb",c\n1,2,\n', {"a\nb": ["1"], "c": ["2"]}),
    "blank lines first": ("\n\r\na,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
    "one column of times": ("time\n12:30\n12:40\n", {"time": ["12:30", "12:40"]}),
    "one column of words": ("full name\nAnna Lee\nBo Ek\n", {"full name": ["Anna Lee", "Bo Ek"]}),
    "all in quotes": ('"a|x"\t"b"\n"1"\t"2,5"\n', {"a|x": ["1"], "b": ["2,5"]}),
    "one column, ends of rows": ("a\n1.5,\n2.5,\n", {"a": ["1.5", "2.5"]}),
    "one column, ends of rows, another mark in its name": (
        "a\tb;\n1,222,333.5;\n2,222,333.5;\n",
        {"a\tb": ["1,222,333.5", "2,222,333.5"]},
    ),
    "a next line, to Unicode, in a name": (
        "a\x85b\x0cc;d\n1;2;\n",
        {"a\x85b\x0cc": ["1"], "d": ["2"]},
    ),
    "years": (
        "kind,2019,2020\nx,1,2\ny,3,4\n",
        {"kind": ["x", "y"], "2019": ["1", "3"], "2020": ["2", "4"]},
    ),
    "names in angles": ("<OPEN>,<HIGH>\n1,2\n", {"<OPEN>": ["1"], "<HIGH>": ["2"]}),
    "units in brackets": ("[bar],[K]\n1,2\n", {"[bar]": ["1"], "[K]": ["2"]}),
}


@pytest.mark.parametrize("case", READ)
def test_read_as_it_is_meant(tmp_path, case):
    text, expected = READ[case]
    assert read(tmp_path, text) == expected
    assert read(tmp_path, "\ufeff" + text) == expected


REFUSED = {
    "JSON rows": ('[{"a": 1}, {"a": 2}]', "is a JSON array; write an object a line"),
    "JSON over lines": ('[\n  {\n    "a": 1\n  }\n]\n', "is a JSON array"),
    "JSON arrays": ('["a", "b"]\n[1, 2]\n', "is a JSON array"),
    "a page": ("<!DOCTYPE html>\n<table><tr>\n", "is HTML or XML"),
    "XML": ('<?xml version="1.0"?>\n<rows>\n', "is HTML or XML"),
    "spaces": ("a b c\n1 2 3\n4 5 6\n", "cells are separated by spaces; separate them by commas"),
    "aligned spaces": ("a   b\n1  20\n10  2\n", "cells are separated by spaces"),
    "colons": ("a:b\n1:2\n", "cells are separated by ':'"),
    "control characters": ("a\x01b\n1\x012\n", r"cells are separated by '\\x01'"),
    "header again": ("a,b\n1,2\na,b\n3,4\n", "row 2 repeats the header line; remove it"),
    "no header": (
        "tcp,1,2.5\nudp,2,3\ntcp,3,4\n",
        "the first line holds 'tcp', '1', '2.5', which look like cells; put a line of column names",
    ),
    "no header, thousands and holes": (
        "x|1'200|\nx|1'300|7\ny|NA|8\n".replace("|\n", "|9\n"),
        "the first line holds 'x', \"1'200\", '9', which look like cells",
    ),
    "no header, labels that may be numbers": ("1a,2.5\n01,3.5\n1a,4.5\n", "which look like cells"),
    "no header, numbers and a hole": (
        "-7 683.1;0.5;None\n8.5;1;2\n",
        "the first line holds numbers",
    ),
    "no header, units": ("1;NA;2,5°C\n2;5;3,5°C\n3;6;-4,5°C\n", "which look like cells"),
    "nothing below the delimiter": ("sep=;\n", "the table is empty"),
    "a control character, a space to some": ("\x1f", "the table is empty"),
    "no header, text": ("a,x\nb,x\na,y\n", "which look like cells"),
    "a cell too many": (
        "a,b,\n1,2,\n" + "1,2,\n" * 300 + "1,2,3\n",
        "row 302 has a cell more than",
    ),
    "a title": (
        "Report\na,b\n1,2\n3,4\n",
        "the first line, 'Report', has 1 cell where others have 2",
    ),
    "comments": ("# by x\n# v 2\na;b\n1;2\n3;4\n5;6\n", "remove the lines above the column names"),
    "quotes behind a backslash": (
        'a,b\n"19\\"",1\n"20\\"",2\n',
        "row 1 holds several lines, as a quote stands within a cell; double the quotes",
    ),
    "no name": ("a,b,\n1,2,3\n", "column 3 has no name"),
    "told, a short row": ("sep=;\na;b\n1;2\n3\n", "line 4 has 1 cells where the header has 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line_that_says_what_it_is(tmp_path, case):
    text, what = REFUSED[case]
    with pytest.raises(InputError, match=what) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


BINARY = {
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel file"),
    "SQLite": (b"SQLite format 3\0", "is a SQLite database"),
    "NumPy": (b"\x93NUMPY\x01\0", "is a NumPy file"),
    "HDF5": (b"\x89HDF\r\n", "is an HDF5 file"),
    "PDF": (b"%PDF-1.7\n", "is a PDF file"),
}


@pytest.mark.parametrize("case", BINARY)
def test_other_formats_are_named(tmp_path, case):
    content, what = BINARY[case]
    (tmp_path / "a.csv").write_bytes(content + bytes(50))
    with pytest.raises(InputError, match=what):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize("seed", range(60))
def test_what_a_csv_writer_writes_is_read_back(tmp_path, seed):
    """Any delimiter, marks of all kinds within quotes, numbers and labels."""
    generator = np.random.default_rng(seed)
    delimiter = ",;\t|"[seed % 4]
    width, length = int(generator.integers(2, 6)), int(generator.integers(3, 30))
    marks = [", ", ";", " ", "|", ": ", "'", "\t"]
    names = [f"n{at}{generator.choice(marks)}u" for at in range(width)]
    rows = [
        [
            f"{generator.normal():.3f}" if at % 2 else f"{generator.choice(marks)}w{row}"
            for at in range(width)
        ]
        for row in range(length)
    ]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([names, *rows])
    assert read(tmp_path, text.getvalue()) == {
        name: [row[at] for row in rows] for at, name in enumerate(names)
    }
