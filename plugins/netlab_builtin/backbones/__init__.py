"""netlab's own backbones."""
