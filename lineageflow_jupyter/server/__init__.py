"""The Jupyter server's edge: REST and events about repositories beside its notebooks. It reads, and never writes."""
