"""`python -m repulsion`: the command line."""

from repulsion.command.main import main

if __name__ == "__main__":
    main()
