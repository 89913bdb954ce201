"""Cells, operations and the graph of what came from what: pure parts, without IPython."""
