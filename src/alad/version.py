"""The version, read by the package, the build and stored models."""

__version__ = "0.2.0"
