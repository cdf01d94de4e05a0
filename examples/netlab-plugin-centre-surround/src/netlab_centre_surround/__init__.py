"""The proposer 'centre-surround' for netlab."""
