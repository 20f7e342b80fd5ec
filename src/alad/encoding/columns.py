"""How one column becomes columns of a matrix: one code per column, fitted on training rows."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from alad.data.columns import Column
from alad.encoding.category_columns import CategoryCode, sound_category
from alad.encoding.number_columns import NumberCode, sound_number
from alad.errors import InputError

Code = NumberCode | CategoryCode
CODES: dict[str, type[NumberCode] | type[CategoryCode]] = {
    "number": NumberCode,
    "category": CategoryCode,
}


def code_of(column: Column, scaling: str) -> Code:
    """Fit the code that a column's kind asks for."""
    return NumberCode.fit(column, scaling) if column.levels is None else CategoryCode.fit(column)


def to_state(code: Code) -> dict[str, Any]:
    """Turn a code into what JSON can hold."""
    kind = next(kind for kind, its_class in CODES.items() if type(code) is its_class)
    return {"kind": kind, **vars(code)}


def from_state(state: Mapping[str, Any]) -> Code:
    """Restore the code of a `to_state`; InputError if it is none."""
    kind = CODES[state["kind"]]
    rest = {key: value for key, value in state.items() if key != "kind"}
    if lost := [field.name for field in fields(kind) if field.name not in rest]:
        what = f"column {state['name']!r} is stored without its {', '.join(lost)}"
        raise InputError(f"{what}; save it anew")
    code = kind(**rest)
    if not (sound_number(code) if isinstance(code, NumberCode) else sound_category(code)):
        raise InputError(
            f"column {code.name!r} is stored in a way that was never written; save it anew"
        )
    return code
