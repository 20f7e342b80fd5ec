"""Classic detectors, fitted by scikit-learn and kept as plain arrays.

Fitting copies trees, support vectors, directions or rows into arrays, and scores are computed from
those arrays only: a loaded model runs the same code as the fitted one, and neither a pickle nor an
internal format of scikit-learn is stored.
"""
