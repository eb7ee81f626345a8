"""Stateless tensor functions; the only place that may ask which Keras backend is in use."""
