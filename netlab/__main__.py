"""``python -m netlab``, which ``torchrun`` needs."""

from netlab.cli.start import main

if __name__ == "__main__":
    main()
