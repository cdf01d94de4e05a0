"""From annotated images to a trained detector."""
