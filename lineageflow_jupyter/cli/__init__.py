"""The command line ``lineageflow``: for pipelines, scripts and terminals. The work is done by ``repository``."""
