"""What is told of a fitted model: its manifest in a terminal, and its page, section by section."""
