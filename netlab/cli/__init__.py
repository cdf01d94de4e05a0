"""The ``netlab`` command: one file a command, ``app`` is the table of them. Nothing here imports torch."""
