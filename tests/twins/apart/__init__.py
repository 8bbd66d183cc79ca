"""Twins in three databases."""
