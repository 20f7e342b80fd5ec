"""A fuzzer for the command line: tables, pictures, stored models and options made from a seed.

    python -m tests.fuzz --cases 10000 --seed 0        # counts, and every fault with its case
    python -m tests.fuzz --only table:17:231           # one case again: kind, seed, number

A case is a function of its kind, seed and number. What has to hold for each is in `invariants`.
"""
