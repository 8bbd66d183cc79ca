"""The app of the documentation's examples: a news site on four databases."""
