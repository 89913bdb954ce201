"""pandas, polars and Arrow frames as columns of canonical, content-addressed chunks, and back. No store, no catalog."""
