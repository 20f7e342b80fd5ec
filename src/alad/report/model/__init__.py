"""A fitted model described: its manifest in a terminal, its page section by section."""
