"""The IPython edge: the ``%lf`` magic, its verbs, completion and display. The work is done by ``repository``."""
