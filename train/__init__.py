"""Input pipeline, schedules and the training loop."""
