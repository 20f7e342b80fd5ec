"""`python -m alad` is `alad`."""

from alad.cli import main

if __name__ == "__main__":
    main()
