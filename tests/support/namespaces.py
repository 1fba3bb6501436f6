"""Network namespaces of this machine, with what runs in them: networks that a test makes for itself."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Namespaces:
    """Some namespaces, each by the name that the test gives it."""

    stem: str

    def named(self, where: str) -> str:
        """The name that `ip netns` has for one."""
        return self.stem + where

    def inside(self, where: str, command: Sequence[str]) -> list[str]:
        """A command that runs in one of them."""
        return ["ip", "netns", "exec", self.named(where), *command]

    def ip(self, where: str, *words: str) -> None:
        """Set up the network of one of them."""
        run("ip", "-n", self.named(where), *words)


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=180)


@contextmanager
def namespaces(*names: str, programs: Sequence[tuple[str, str]] = ()) -> Iterator[Namespaces]:
    """These namespaces while the block runs; a command that fails before its end skips the test, as does a missing program.

    `programs` are what the test needs besides, each with the Debian package that has it.
    """
    if missing := [
        f"{name} (on Debian: apt install {package})"
        for name, package in (("ip", "iproute2"), *programs)
        if not shutil.which(name)
    ]:
        pytest.skip(f"needs {', '.join(missing)}")
    made = Namespaces(f"ply{os.getpid()}")
    try:
        try:
            for name in names:
                run("ip", "netns", "add", made.named(name))
                made.ip(name, "link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"needs network namespaces, which this system does not allow: {error.stderr.strip()[:200]}")
        yield made
    finally:
        for name in names:
            subprocess.run(("ip", "netns", "del", made.named(name)), check=False, capture_output=True, timeout=180)
