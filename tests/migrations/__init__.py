"""Migrations of real projects, made in temporary directories and run by their ``manage.py``."""
