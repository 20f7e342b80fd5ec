"""Detectors that learn to reconstruct rows: autoencoders, VAE, DAGMM, DSEBM."""
