"""An average of the weights, and sharpness-aware steps, for netlab."""
