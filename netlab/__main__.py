"""``python -m netlab``, which ``torchrun`` needs."""

from netlab.cli.app import main

if __name__ == "__main__":
    main()
