"""Countries and cities, as an older program left them: its own table names, strings for keys."""
