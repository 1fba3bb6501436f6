"""The `chat` command, which is also `python -m plytalk`."""

import sys


def main() -> None:
    """Run the command. Ctrl-C ends it in a sentence even while the program is still being loaded."""
    try:
        from plytalk.cli.main import main as run_command

        run_command()
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("chat: Interrupted.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
