"""Files of the world, whatever they hold: written whole or not at all, found in folders, read strictly."""
