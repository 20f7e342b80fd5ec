"""Detectors that learn to give rows back: autoencoders, VAE, DAGMM, DSEBM."""
