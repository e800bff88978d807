"""How rare a row or a figure is among benign ones."""
