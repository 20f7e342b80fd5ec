"""The words of docstrings: those of functions and methods begin with a verb."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import alad

PACKAGE = Path(alad.__file__).parent
ROOMS = sorted(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir())

# First words that are no verbs: a noun phrase may describe a module, a class or a property, but a
# function does something. "Name", "list", "score" and "rate" can be verbs.
NO_VERBS = set(
    "a an the this that these those it its they their there here what which who whose whether how "
    "why when where while once if unless as at by for from in into of on out over per to up with "
    "within without under until and or not no none nothing all any both each either every few "
    "fewer many more most some such same other another one two several so only also is are was "
    "were be has have had does can may must true false bool float float32 float64 int integer "
    "uint8 number numbers names row rows column columns value values array arrays text pair pairs "
    "tuple dict path file files folder table scores shape largest smallest least fewest first last "
    "mean total version whole new own large small".split()
)
PROPERTIES = {"property", "cached_property", "functools.cached_property"}


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_of_functions_begin_with_a_verb(room: str):
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}: {sentence}"
        for path in modules(room)
        for line, sentence in sentences(path.read_text("utf-8"))
        if not begins_with_a_verb(sentence)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("sentence", "verb"),
    [
        ("Score rows [n, width].", True),
        ("Return the rows.", True),
        ("Whether there are rows.", False),
        ("[n, width], the rows.", False),
        ('"sure" or "either".', False),
        ("`value` as a number.", False),
        ("Float64 [n].", False),
        ("float64 [n].", False),
    ],
)
def test_verbs_are_told_from_other_words(sentence: str, verb: bool):
    assert begins_with_a_verb(sentence) == verb


def test_properties_and_classes_may_be_described_by_a_noun():
    source = 'class A:\n    """A thing."""\n    @property\n    def b(self):\n        """The b."""\n'
    assert list(sentences(source)) == []


def modules(room: str) -> list[Path]:
    single = PACKAGE / f"{room}.py"
    return [single] if single.exists() else sorted((PACKAGE / room).rglob("*.py"))


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """List (line, first line of the docstring) of functions and methods, properties aside."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        marks = {ast.unparse(mark) for mark in node.decorator_list}
        docstring = ast.get_docstring(node)
        if docstring and not marks & PROPERTIES:
            yield node.lineno, docstring.splitlines()[0]


def begins_with_a_verb(sentence: str) -> bool:
    word = sentence.split()[0].rstrip(".,:;")
    usual = word.isalpha() and word[0].isupper() and not word.isupper()
    return usual and word.lower() not in NO_VERBS
