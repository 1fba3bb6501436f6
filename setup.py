"""Map the top-level folders into the one import package, `plytalk`, and build the same bytes from the same source.

`core`, `trust`, `lab`, `plugins` and `cli` are at the top so that listing the project shows its architecture; they must never
become import packages of those names (docs/decisions/0001-folders.md). Everything else about the build is in pyproject.toml.
"""

import os
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.sdist import sdist

FOLDERS = ("core", "trust", "lab", "plugins", "cli")

# The time of every file in the wheel, unless the builder names another: the earliest that a zip can tell, 1980-01-01.
os.environ.setdefault("SOURCE_DATE_EPOCH", "315532800")


class SameWheel(bdist_wheel):
    """A wheel that depends on the source alone: not on the umask, the modes of a checkout, or an earlier build."""

    def run(self) -> None:
        shutil.rmtree(self.get_finalized_command("build").build_lib, ignore_errors=True)  # it may hold modules that are gone
        super().run()

    def write_wheelfile(self, *arguments: str, **named: str) -> None:
        super().write_wheelfile(*arguments, **named)
        for path in Path(self.bdist_dir).rglob("*"):  # complete now, and packed next
            path.chmod(0o755 if path.is_dir() else 0o644)


class LinkedSdist(sdist):
    """An sdist with the links of src/plytalk, so that it is the project: ./run and the tests work in it."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        for top in FOLDERS:
            Path(base_dir, "src", "plytalk", top).symlink_to(f"../../{top}", target_is_directory=True)


setup(
    packages=["plytalk", "plytalk.api", "plytalk.testing"]
    + [f"plytalk.{name}" for top in FOLDERS for name in [top, *(f"{top}.{sub}" for sub in find_packages(top))]],
    package_dir={"plytalk": "src/plytalk", **{f"plytalk.{top}": top for top in FOLDERS}},
    data_files=[("share/man/man1", sorted(str(page) for page in Path("docs", "man").glob("*.1")))],  # found by `man chat`
    cmdclass={"bdist_wheel": SameWheel, "sdist": LinkedSdist},
)
