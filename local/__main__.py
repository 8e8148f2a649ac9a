"""`python -m local`: see `make help`."""

from local.cli import cli

if __name__ == "__main__":
    cli()
