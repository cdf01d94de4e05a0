"""Components that each break one rule of the contract, to prove that the check of the rule can fail."""
