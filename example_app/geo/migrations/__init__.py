"""The legacy tables."""
