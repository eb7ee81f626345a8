"""Evaluation, prediction, benchmarks and reports."""
