"""``python -m plytalk`` is the ``chat`` command."""

from plytalk.cli.main import main

main()
