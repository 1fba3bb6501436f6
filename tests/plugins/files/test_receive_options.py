"""How files are received where nothing else is said."""

from pathlib import Path

from plytalk.plugins.files.receive_options import ReceiveOptions


def test_into_the_current_folder_and_only_what_is_accepted() -> None:
    assert ReceiveOptions() == ReceiveOptions(Path(), False, (), False, False)
