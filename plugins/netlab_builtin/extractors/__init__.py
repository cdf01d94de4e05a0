"""Pretrained networks: feature extractors for detection, and backbones that a run starts from."""
