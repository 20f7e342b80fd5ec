"""The training loop, a step, the optimiser and the stopping rule, of any model."""
