"""`caponier baseline`."""
