"""Describes the native extensions to setuptools; imported by `setup.py` alone."""

from setuptools import Extension


def extensions() -> list[Extension]:
    """Return the extensions that this machine can build."""
    return []
