"""The compiled kernels: their build, and the memory they share with Python."""
