"""Tests, importable: the benchmarks use the lab as a library."""
