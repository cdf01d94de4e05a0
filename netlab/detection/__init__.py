"""Object detection the R-CNN way: propose regions, describe each by features, classify, measure."""
