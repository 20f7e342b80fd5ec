"""Write docs/reference/parameters.md from what detectors declare; a test holds the two together.

python tools/parameters_reference.py
"""

from collections.abc import Iterable
from pathlib import Path

from alad.catalogue import DETECTORS, declared
from alad.declared import Declaration, Parameter

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "parameters.md"
HEAD = """# Parameters

<!-- written by tools/parameters_reference.py -->

All are keywords in Python, and options of `alad fit` (`score_function` is `--score` there). A
parameter marked *how* says how a fit is run, not what is fitted: it is not stored with a model.
"""


def page() -> str:
    every = {name: declared(name) for name in DETECTORS}
    common = _shared(list(every.values()))
    networks = _shared(
        [
            one
            for one in every.values()
            if "max_steps" in one.parameters and "architecture" in one.parameters
        ]
    )
    parts = [HEAD, "## Of every detector\n", _list(common.values())]
    of_networks = [one for name, one in networks.items() if name not in common]
    parts += ["## Of every detector with networks\n", _list(of_networks)]
    known = common | networks
    written: dict[str, str] = {}  # what stands of a method already -> its class
    for name, one in every.items():
        own = _list(
            parameter
            for key, parameter in one.parameters.items()
            if key not in known or parameter.default != known[key].default
        )
        class_name = DETECTORS[name][1]
        first = written.setdefault(own, class_name)
        told = own if first == class_name else f"The parameters of `{first}`.\n"
        if own.strip():
            parts += [f"## {class_name}\n", f"{one.title}\n", told]
    return "\n".join(parts)


def _shared(declarations: list[Declaration]) -> dict[str, Parameter]:
    """The parameters that all of them have, as the first has them."""
    first, *others = declarations
    return {
        name: parameter
        for name, parameter in first.parameters.items()
        if all(name in one.parameters for one in others)
    }


def _list(parameters: Iterable[Parameter]) -> str:
    lines = []
    for one in parameters:
        how = " *how*" if one.mark == "how" else ""
        default = repr(one.default) if not isinstance(one.default, str) else f'"{one.default}"'
        comment = one.comment.replace("|", "\\|")
        lines.append(f"- `{one.name}` = `{default}`{how}: {comment}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
