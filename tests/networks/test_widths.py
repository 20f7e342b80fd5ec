"""Widths that make no networks are refused by name, in every architecture."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pytest

import alad
import alad.anogan.architectures
import alad.autoencoders.architectures
from alad import adversarial, anogan, autoencoders, catalogue
from alad.adversarial.architectures import Architecture, architecture_for
from alad.errors import InputError
from alad.parameters import Widths

ROWS = np.random.default_rng(0).normal(size=(60, 6))
USUAL = asdict(architecture_for(6))
TABLES = [
    table
    for module in (adversarial.architectures, anogan.architectures, autoencoders.architectures)
    for name, table in vars(module).items()
    if name.endswith("ARCHITECTURES")
]
EVERY: list[Widths] = list({type(one): one for table in TABLES for one in table.values()}.values())


@pytest.mark.parametrize(
    ("field", "value", "remedy"),
    [
        ("latent", -1, "whole number of at least 1"),
        ("latent", "a", "whole number of at least 1"),
        ("latent", True, "whole number of at least 1"),
        ("encoder", 4, "give a tuple"),
        ("encoder", "64", "give a tuple"),
        ("xx", (), "give at least one"),
        ("xz_joint", (), "give at least one"),
        ("xz_dropout", 2.0, "from 0 to below 1"),
        ("xz_dropout", float("nan"), "from 0 to below 1"),
        ("xz_batch_norm", 1, "give True or False"),
    ],
)
def test_a_bad_width_is_refused_with_its_name_value_and_remedy(field, value, remedy):
    detector = alad.ALAD(architecture={**USUAL, field: value}, max_steps=1)
    with pytest.raises(InputError, match=f"architecture: {field} is ") as refusal:
        detector.fit(ROWS)
    assert remedy in str(refusal.value)
    assert (repr(value) in str(refusal.value)) and "\n" not in str(refusal.value)


def test_a_bad_width_among_several_is_named():
    with pytest.raises(InputError, match="architecture: encoder is 0; give a whole number"):
        Architecture(**{**USUAL, "encoder": (8, 0)})


@pytest.mark.parametrize(("kernel", "remedy"), [(1, "whole number of at least 2"), (70, "at most")])
def test_a_kernel_that_cannot_halve_an_image_is_refused(kernel, remedy):
    detector = catalogue.make("dsebm-r", architecture={"channels": (4,), "kernel": kernel})
    with pytest.raises(InputError, match=f"architecture: kernel is {kernel}; give .*{remedy}"):
        detector.fit(np.zeros((20, 16, 16), np.uint8))


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(InputError, match="architecture: no depth; there are latent, encoder"):
        alad.ALAD(architecture={**USUAL, "depth": 3}).fit(ROWS)


def test_a_width_that_lacks_is_named():
    with pytest.raises(InputError, match=r"architecture: encoder, .*zz not given"):
        alad.ALAD(architecture={"latent": 2}).fit(ROWS)


def test_lists_are_taken_for_tuples():
    assert Architecture(**{**USUAL, "encoder": [8, 4]}).encoder == (8, 4)


@pytest.mark.parametrize("architecture", EVERY, ids=lambda one: type(one).__name__)
def test_every_field_of_every_architecture_is_checked(architecture: Widths):
    values: dict[str, Any] = asdict(architecture)  # pyright: ignore[reportArgumentType]
    for field in fields(architecture):
        with pytest.raises(InputError, match=f"architecture: {field.name} is "):
            type(architecture)(**{**values, field.name: -0.5})


def test_every_architecture_with_a_name_is_checked():
    assert len(EVERY) == 11
    assert all(isinstance(one, Widths) for one in EVERY)
