"""Command lines from the options that the verbs declare, with values good and bad."""

from random import Random
from typing import Any

import typer

from alad import cli
from alad.catalogue import DETECTORS

VERBS = ["fit", "score", "calibrate", "explain", "report", "info", "detectors"]
NUMBERS = ["0", "1", "2", "3", "0.05", "0.5", "-1", "-0.5", "nan", "inf", "1e-300", "", "x",
           "1,5", "0x3", "None", "２", "99999999999999999999", "1e999"]  # fmt: skip
TEXTS = ["", " ", "x", "a,b", '"', "c0", "c9", "c0,c0", "none", "None", "\0x", "ä", "--", "-",
         "[3]", "x" * 500, "standard", "robust", "l1", "features", "torch", "numpy", "c", "cpu",
         "cuda", "auto", "images", "kdd99-paper", "8", "8x8", "0", "{}"]  # fmt: skip
PLACES = ["", ".", "..", "model", "new.csv", "nowhere/x", "new.csv/x", "out", "out.csv", "out.html",
          "out.parquet", "/dev/null", "/proc/x", "x" * 300, "a\0b", "-", "pictures"]  # fmt: skip
# a large value is meant: it would only take long
LONG = {
    "members",
    "search_steps",
    "epochs",
    "max_steps",
    "latent_dim",
    "batch_size",
    "n_estimators",
}


def declared() -> dict[str, list[Any]]:
    """List the parameters that each verb declares."""
    group: Any = typer.main.get_command(cli.app)
    return {verb: list(group.commands[verb].params) for verb in VERBS}


DECLARED = declared()


def command_line(random: Random) -> list[str]:
    """Make a command line; half of them have what they need, the others are as they come."""
    verb = (
        random.choice(VERBS) if random.random() < 0.97 else random.choice(["", "fti", "--x", "-"])
    )
    if verb not in DECLARED:
        return [verb, *random.choices(TEXTS, k=random.randint(0, 2))]
    words: list[str] = []
    sound = random.random() < 0.7
    for parameter in DECLARED[verb]:
        if parameter.param_type_name == "argument" and (sound or random.random() < 0.8):
            words.append(_argument(random, parameter, sound))
    if verb == "fit" and (sound or random.random() < 0.5):
        words += ["-o", "out"]
        names = [*DETECTORS, "crystal-ball"] if random.random() < 0.3 else ["knn", "pca", "alad"]
        words += ["--detector", random.choice(names), "--max-steps", "2"]
        if words[-3] in ("knn", "pca"):
            words = words[:-2]
    elif verb == "report":
        words += ["-o", "out.html"]
    elif verb in ("score", "explain") and random.random() < 0.9:
        words += ["-o", "out.csv"]
    options = [p for p in DECLARED[verb] if p.param_type_name == "option"]
    for parameter in random.sample(options, min(len(options), random.choice([0, 1, 1, 2, 4]))):
        if parameter.name in ("help",):
            continue
        words += _option(random, parameter)
    if random.random() < 0.05:
        random.shuffle(words)
    return [verb, *words]


def _argument(random: Random, parameter: Any, sound: bool) -> str:
    place = "model" if parameter.name == "model" else "new.csv"
    return place if sound or random.random() < 0.5 else random.choice(PLACES)


def _option(random: Random, parameter: Any) -> list[str]:
    flag = random.choice([*parameter.opts, *parameter.secondary_opts])
    if parameter.is_flag:
        return [flag]
    kind = str(parameter.type_descriptor.annotation)
    if "int" in kind or "float" in kind:
        large = parameter.name in LONG
        value = random.choice([number for number in NUMBERS if len(number) < 8 or not large])
    elif "Path" in kind or parameter.name == "output":
        value = random.choice(PLACES)
    else:
        value = random.choice([*TEXTS, *NUMBERS])
    return [flag, value] if random.random() < 0.95 else [flag]
