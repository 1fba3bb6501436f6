"""A fresh environment, made in a moment and without a network: it shares the dependencies of the one that runs the tests."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}  # "0" turns isolation off
LEFT_OUT = {".git", ".venv", "build", "dist", "site", "__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def tracked() -> list[str]:
    """What belongs to the project: what git knows or would take; without git, all but what tools leave."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(asked, cwd=PROJECT, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        paths = (Path(folder, name).relative_to(PROJECT) for folder, _, names in os.walk(PROJECT) for name in names)
        names = [str(path) for path in paths if not LEFT_OUT & set(path.parts)]
    return [name for name in names if name and os.path.lexists(PROJECT / name)]


class Fresh:
    """A virtual environment in a folder, with `python`, `pip` and `pytest`; with `chat` too unless plytalk is to be installed.

    Its commands know nothing of the user: no settings, no home, no colour.
    """

    def __init__(self, folder: Path, plytalk: bool = True) -> None:
        self.folder, self.home = folder / "environment", folder / "home"
        venv.create(self.folder, symlinks=os.name == "posix")
        self.home.mkdir()
        self.bin = self.folder / "bin"
        self.site = Path(sysconfig.get_path("purelib", vars={"base": str(self.folder)}))
        for path in shared(plytalk):
            (self.site / path.name).symlink_to(path)
        if plytalk:
            (self.site / "plytalk.pth").write_text(f"{PROJECT / 'src'}\n")
        self._command("pip", "pip.__main__")
        self._command("pytest", "pytest.__main__")
        if plytalk:
            self._command("chat", "plytalk")

    def _command(self, name: str, module: str) -> None:
        script = self.bin / name
        script.write_text(f'#!/bin/sh\nexec "{self.bin}/python" -m {module.removesuffix(".__main__")} "$@"\n')
        script.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """What its commands find in the environment."""
        path = os.pathsep.join([str(self.bin), *(part for part in os.environ["PATH"].split(os.pathsep) if part != _ours())])
        home = {"HOME": str(self.home), "TMPDIR": str(self.home)}
        return home | OFFLINE | {"PATH": path, "NO_COLOR": "1", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, *command: str | Path, cwd: Path | None = None, status: int = 0) -> str:
        """Run one of its commands and give what it printed; a test fails where it ends with another status."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd or self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout


def shared(plytalk: bool) -> Iterator[Path]:
    """What is installed where the tests run, without the plugins that somebody has installed there; plytalk itself if wanted."""
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.suffix == ".pth" or path.name.startswith("__"):
            continue
        entry_points = path / "entry_points.txt"
        brings = path.suffix == ".dist-info" and entry_points.exists() and "[plytalk]" in entry_points.read_text()
        if not brings or (plytalk and path.name.startswith("plytalk-")):
            yield path


def _ours() -> str:
    return str(Path(sys.executable).parent)
