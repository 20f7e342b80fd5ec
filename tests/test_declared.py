"""What a source declares, read without importing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alad.declared import NO_DEFAULT, Parameter, declaration
from alad.errors import InputError

BASE = '''
from dataclasses import dataclass
from typing import ClassVar


@dataclass(kw_only=True)
class Body:
    """The body."""

    scale: ClassVar[str] = "none"
    # above, over
    # two lines
    first: int = 3
    second: float = how(0.5)  # beside it
    # --- a heading, no words of a field ---
    third: tuple[int, ...] = ()
'''
OWN = '''
"""A module of another package."""

from {base} import Body
from alad.classic.pca import PCA


class Elsewhere:
    first: str = "of no concern"


class Mine(Body):
    """Mine is longer.

    And has more to say.
    """

    name: ClassVar[str] = "mine"
    count: ClassVar[int] = 3
    third: int | None = replaces("wide", None)  # pyright: ignore
    fourth: dict = dict(a=1)  # both
    fifth: str


class Relative(PCA):
    """A relative of ours."""

    extra: int = 1  # more
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that would not run."""
    (tmp_path / "declared_base.py").write_text(BASE + "\nraise RuntimeError\n")
    (tmp_path / "declared_own.py").write_text(OWN.format(base="declared_base"))
    monkeypatch.syspath_prepend(tmp_path)
    return "declared_own"


def test_fields_have_their_comments_defaults_and_marks(mine: str):
    found = declaration("declared_base", "Body")
    assert (found.title, found.constants) == ("The body.", {"scale": "none"})
    assert found.parameters == {
        "first": Parameter("first", "int", 3, "above, over two lines"),
        "second": Parameter("second", "float", 0.5, "beside it", "how"),
        "third": Parameter("third", "tuple[int, ...]", (), ""),
    }


def test_a_class_has_what_its_bases_of_the_package_declare(mine: str):
    found = declaration(mine, "Relative")
    assert found.title == "A relative of ours."
    assert found.constants["name"] == "pca"
    names = list(found.parameters)
    assert names[0] == "scaling" and names[-1] == "extra" and "explained" in names


def test_what_is_no_literal_is_its_source(mine: str):
    found = declaration(mine, "Mine")
    assert found.title == "Mine is longer." and found.constants == {"name": "mine"}
    assert found.parameters["fourth"] == Parameter("fourth", "dict", "dict(a=1)", "both")
    assert found.parameters["fifth"] == Parameter("fifth", "str", NO_DEFAULT, "")
    assert found.parameters["third"] == Parameter("third", "int | None", None, "", "replaces")


def test_a_module_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="no module 'alad_elsewhere'; install"):
        declaration("alad_elsewhere", "Mine")


def test_reading_declarations_loads_nothing_heavy():
    code = (
        "from alad import catalogue; import sys;"
        "[catalogue.declared(name) for name in catalogue.DETECTORS];"
        "print(*{'torch', 'numpy', 'sklearn', 'pyarrow'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
