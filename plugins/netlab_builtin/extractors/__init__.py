"""Pretrained feature extractors for detection."""
