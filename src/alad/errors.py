"""The two ways in which a user hears that something cannot be done."""


class InputError(ValueError):
    """Bad input or a bad parameter: one line that names the value and the remedy (exit code 2)."""


class TrainingError(RuntimeError):
    """A training that cannot go on, such as a loss that is no longer finite (exit code 1)."""
