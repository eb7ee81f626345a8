"""Tests of roadseg.train.launch."""
