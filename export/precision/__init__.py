"""Exports in 8-bit integers and in half precision, each in its own format's way."""
