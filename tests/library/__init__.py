"""The sources: references of every shape, on ``default`` and on ``archive``."""
