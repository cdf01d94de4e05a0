"""The parts that netlab brings with it."""
