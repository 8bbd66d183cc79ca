"""Twins in one database."""
