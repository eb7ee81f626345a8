"""From a record to an element of a batch, by task."""
