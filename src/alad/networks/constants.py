"""What every engine must agree on: activations and the constants of batch norm."""

from __future__ import annotations

from typing import Literal

LEAKY_SLOPE = 0.2
BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.01  # share of the newest batch in the running statistics

Activation = Literal["linear", "relu", "leaky", "tanh"]
SLOPES = {"linear": 1.0, "leaky": LEAKY_SLOPE, "relu": 0.0}  # below zero, of those that have one
