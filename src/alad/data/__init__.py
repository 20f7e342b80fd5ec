"""Data in: files, streams and frames as tables of columns, and the benchmarks' official files."""
