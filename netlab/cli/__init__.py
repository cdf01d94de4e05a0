"""The ``netlab`` command: one file a command, ``commands`` is their table. Nothing here imports torch."""
