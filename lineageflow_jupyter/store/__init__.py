"""Bytes by name: stores of objects, packs with many objects each, readers and writers of packed objects."""
