"""The official data sets of the benchmarks, their splits and protocols."""
