"""The block 'squeeze-excite' for netlab."""
