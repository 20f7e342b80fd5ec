"""Data in and out: files, streams, frames and pictures as batches; results as tables and images."""
