"""Images: read from files, and as uint8 tensors in memory: splits, normalization, batches, augmentation."""
