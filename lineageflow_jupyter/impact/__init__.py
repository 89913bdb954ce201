"""What a change of data does to models."""
