"""The governance layer, which knows nothing of the application around it."""
