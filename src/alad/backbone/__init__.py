"""What turns images into rows of numbers, in front of a detector: a function, or a network."""
