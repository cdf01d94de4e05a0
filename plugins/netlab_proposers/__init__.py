"""Region proposers for detection."""
