"""The `chat` command, which is also `python -m plytalk`."""

import sys


def main() -> None:
    """Run the command. Even while the program is loading, Ctrl-C ends it with a message and no traceback."""
    try:
        from plytalk.cli.main import main as run_command

        run_command()
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("chat: Interrupted.\n")
        sys.exit(130)  # `Exit.INTERRUPTED`, which may not be loaded yet


if __name__ == "__main__":
    main()
