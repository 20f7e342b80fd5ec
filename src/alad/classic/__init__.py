"""The field's classic detectors, fitted by scikit-learn and kept as plain arrays.

What was learnt (trees, support vectors, directions, rows) is copied into arrays at fit, and scores
are computed from those arrays only: a loaded model runs the very same lines as the fitted one, and
no pickle and no internal format of scikit-learn is stored.
"""
