"""Map the top-level folders into the one import package, `plytalk`.

`core`, `trust`, `lab`, `plugins` and `cli` stand at the top so that listing the project shows its architecture; they must never
become import packages of those names (docs/decisions/0001-folders.md). Everything else about the build is in pyproject.toml.
"""

from setuptools import find_packages, setup

FOLDERS = ("core", "trust", "lab", "plugins", "cli")

setup(
    packages=["plytalk", "plytalk.testing"]
    + [f"plytalk.{name}" for top in FOLDERS for name in [top, *(f"{top}.{sub}" for sub in find_packages(top))]],
    package_dir={"plytalk": "src/plytalk", **{f"plytalk.{top}": top for top in FOLDERS}},
)
