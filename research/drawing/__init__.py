"""Pictures of labels and of flow."""
