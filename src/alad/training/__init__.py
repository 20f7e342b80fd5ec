"""The training loop, a step, the optimiser, the stopping rule; it knows no model."""
