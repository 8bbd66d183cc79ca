"""The targets: every kind of key, on the database ``people`` (by ``PINS``) and on ``geo``."""
