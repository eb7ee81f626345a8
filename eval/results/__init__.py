"""Results of an evaluation: what they hold, as JSON and back."""
