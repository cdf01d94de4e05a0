"""What detections are written as."""
