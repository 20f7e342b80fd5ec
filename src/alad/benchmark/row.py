"""A row of a results table as data: its detector, settings, and published number."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alad.adversarial.game import ABLATIONS, ZZ
from alad.presets import preset

QUICK_STEPS = 300  # of training, in a pass that is to take minutes
FIFTH = {"distance": "kth"}  # of k-NN: the distance that published numbers are of


@dataclass(frozen=True)
class Row:
    """One row of a results table."""

    name: str
    detector: str  # as in the catalogue
    preset: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)  # of the preset, or the defaults
    published: str | None = None  # the method's name in the paper
    protocols: tuple[str, ...] = ("paper", "clean")
    members: bool = False  # runs are members of one fit
    at_once: int | None = None  # members a fit on a shared split; None = all runs
    together: int = 1  # members a run where splits differ, scored as an ensemble, too
    most_runs: int | None = None  # on a shared split; 1 where all runs would give the same scores
    trained: bool = True
    twin: str | None = None  # of ALAD: the control that it is, as `twins` has it
    hours: bool = False  # trained for hours, so measured after all else
    beside: bool = False  # of a study beside the comparison, so measured after that
    test_rows: int | None = None  # size of a random sample that is scored; None = all
    quick: Mapping[str, Any] = field(default_factory=dict)  # further changes in a quick pass

    def params(self) -> dict[str, Any]:
        """Parameters of the detector, those of the run excepted."""
        return {**(preset(self.preset, self.detector) if self.preset else {}), **self.changes}


def untrained_name(name: str) -> str:
    """Name the row of the networks of row `name` before training."""
    return f"{name}-untrained"


def untrained(row: Row) -> Row:
    """Make the row of the same networks before training."""
    changes = {**row.changes, "max_steps": 0}
    quick = {key: value for key, value in row.quick.items() if key != "max_steps"}
    name = untrained_name(row.name)
    return replace(row, name=name, changes=changes, quick=quick, trained=False, published=None)


def both(row: Row) -> tuple[Row, Row]:
    """Make the untrained row and the trained one."""
    return untrained(row), row


# As published (`alad.benchmark.published.ABLATIONS`): ALAD's parameters of each row
SWITCHES = {
    name: {"spectral_norm": game.spectral, "latent_discriminator": ZZ in game.terms}
    for name, game in ABLATIONS.items()
}


def ablations(row: Row, **how: Any) -> tuple[Row, ...]:
    """Make the rows of ALAD's ablation study from `row`; how: further fields of them."""
    return tuple(
        replace(
            row,
            name="alad-baseline" if name == "baseline" else f"alad+{name}",
            changes={**row.changes, **switches},
            published=name,
            **how,
        )
        for name, switches in SWITCHES.items()
    )


def ablation_of(row: Row) -> str | None:
    """Name the row of the ablation study that a trained row of the family is: "dl", "sn+dl", …"""
    params = row.params()
    if row.detector != "alad" or not row.trained or params.get("form") != "published":
        return None
    return next(
        name
        for name, switches in SWITCHES.items()
        if all((params.get(switch) is not False) == on for switch, on in switches.items())
    )
