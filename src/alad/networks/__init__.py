"""Layers and stacks with a leading axis `members`, for tables and for images alike."""
