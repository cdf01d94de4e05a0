"""Parts that are right in an unusual way: the kit must pass them all."""
