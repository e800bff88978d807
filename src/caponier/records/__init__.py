"""The frozen nouns that travel between the rooms: events, findings and the inventory of ML systems."""
