"""Write docs/reference/cli.md from the command line itself; a test holds the two together.

python tools/cli_reference.py
"""

import re
from pathlib import Path
from typing import Any

import typer

from alad.cli import app

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
HEAD = """# Command line

<!-- written by tools/cli_reference.py -->

Data go to a file or standard output; messages and progress go to standard error. `--json` and
`--quiet` are for programs.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | it could not be done: a training that diverged, a full disk |
| 2 | bad input, with one line that says what to change |
| 130 | stopped with Ctrl-C; a training leaves a checkpoint, and `--resume` goes on from it |
"""


def page() -> str:
    command: Any = typer.main.get_command(app)
    return "\n".join([HEAD, *(_verb(name, verb) for name, verb in command.commands.items())])


def _verb(name: str, verb: Any) -> str:
    arguments = [each for each in verb.params if each.param_type_name == "argument"]
    options = [each for each in verb.params if each.param_type_name == "option"]
    usage = " ".join([f"alad {name}", *(each.metavar for each in arguments), "[OPTIONS]"])
    lines = [f"## alad {name}", "", f"```text\n{usage}\n```", "", _plain(verb.help)]
    rows = [(_code([each.metavar]), _told(each)) for each in arguments]
    rows += [(_code(_flags(each)), _told(each)) for each in options]
    lines += ["", *(f"- {code}: {told}".removesuffix(": ") for code, told in rows)]
    return "\n".join(lines) + "\n"


def _flags(option: Any) -> list[str]:
    value = "" if option.is_flag else f" {option.metavar or _value(option)}"
    short = [flag for flag in option.opts if not flag.startswith("--")]
    return [*short, *(flag + value for flag in option.opts if flag not in short)]


def _value(option: Any) -> str:
    annotation = option.type_descriptor.annotation
    kind = getattr(annotation, "__args__", (annotation,))[0]
    return {int: "N", float: "X", Path: "PATH"}.get(kind, "NAME")


def _code(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _told(parameter: Any) -> str:
    default = parameter.show_default
    if default is True and not getattr(parameter, "is_flag", False):
        default = "" if parameter.default in (None, (), []) else f"`{parameter.default}`"
    needed = " Required." if parameter.required else ""
    usual = f" Default: {default}." if isinstance(default, str) and default else ""
    return _plain(f"{parameter.help or ''}{needed}{usual}")


def _plain(text: str) -> str:
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", re.sub(r"(?<!\n)\n(?!\n)", " ", text.strip()))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
