"""The commands of the example."""
