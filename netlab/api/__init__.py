"""What ``import netlab`` offers, one subject a file. Use the names of ``netlab``: the files may change."""
