"""The Dockerfile: each of its steps is run, with its folders moved below a temporary one, as this user and without a network.

Where a builder runs, .ci/image builds the image itself.
"""

import json
import os
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from fresh import OFFLINE, PROJECT, shared, tracked

STEPS = [
    (line.partition(" ")[0], line.partition(" ")[2])
    for line in (PROJECT / "Dockerfile").read_text().splitlines()
    if line and not line.startswith("#")
]
IGNORED = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
PLACES = ("/src", "/opt/plytalk", "/var/lib/plytalk")
OWNER = "65532"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="the image is a Unix system")


def argument(name: str) -> str:
    """The argument of the last step of this name."""
    return [rest for step, rest in STEPS if step == name][-1]


def is_sent(name: str) -> bool:
    """Whether the builder gets this file: the last line of .dockerignore that matches it, or a folder it is in, decides."""
    sent = True
    above = [name, *(str(folder) for folder in Path(name).parents if folder != Path())]
    for line in IGNORED:
        pattern = line.removeprefix("!")
        anywhere = pattern.removeprefix("**/")
        if any(fnmatch(each if pattern == anywhere else Path(each).name, anywhere) for each in above):
            sent = line.startswith("!")
    return sent


class Image:
    """What the steps make, below a folder in place of the root of the image."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **OFFLINE}

    def moved(self, text: str) -> str:
        for place in PLACES:
            text = text.replace(place, f"{self.root}{place}")
        return text

    def build(self) -> None:
        for step, rest in STEPS:
            if getattr(self, step, None):
                getattr(self, step)(rest)

    def FROM(self, base: str) -> None:
        """A new stage has nothing but what is copied from another one."""
        shutil.rmtree(self.root / "src", ignore_errors=True)

    def COPY(self, rest: str) -> None:
        source, target = rest.split()[-2:]
        if source != ".":  # from an earlier stage, to the same place
            assert rest.startswith("--from=build ")
            assert source == target
            assert (self.root / source[1:]).is_dir()
            return
        for name in filter(is_sent, tracked()):
            copy = self.root / target[1:] / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, copy, follow_symlinks=False)

    def RUN(self, command: str) -> None:
        command = self.moved(command.replace(f"-o {OWNER} -g {OWNER}", f"-o {os.getuid()} -g {os.getgid()}"))
        (self.root / "var" / "lib").mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["sh", "-ec", command], env=self.environment, cwd=self.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        if "-m venv" in command:  # in place of an index: what is installed where the tests run
            site = Path(sysconfig.get_path("purelib", vars={"base": str(self.root / "opt" / "plytalk")}))
            shutil.rmtree(site)
            site.mkdir()
            for path in shared(plytalk=False):
                (site / path.name).symlink_to(path)

    def ENV(self, rest: str) -> None:
        for word in shlex.split(self.moved(rest)):
            name, _, value = word.partition("=")
            self.environment[name] = value.replace("$PATH", self.environment["PATH"])

    def command(self, *arguments: str) -> list[str]:
        """How a container starts with these arguments."""
        program, *first = json.loads(argument("ENTRYPOINT"))
        found = shutil.which(program, path=self.environment["PATH"])
        assert found is not None
        assert found.startswith(str(self.root))
        return [found, *first, *arguments]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Image:
    image = Image(tmp_path_factory.mktemp("image"))
    image.build()
    return image


@pytest.fixture
def image(built: Image) -> Iterator[Image]:
    """The image, with an empty volume for each test."""
    volume = built.root / "var/lib/plytalk"
    assert list(volume.iterdir()) == []
    yield built
    for file in volume.iterdir():
        file.unlink()


def test_every_step_is_one_that_these_tests_run_or_read() -> None:
    assert {step for step, _ in STEPS} == {"FROM", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD"}
    assert argument("USER") == f"{OWNER}:{OWNER}"
    assert argument("VOLUME") in PLACES


@pytest.mark.parametrize(
    "name", ["identity", "talk.trace", ".venv/bin/chat", ".git/config", "tests/conftest.py", "docs/index.md"]
)
def test_what_else_lies_in_the_folder_does_not_reach_the_builder(name: str) -> None:
    assert not is_sent(name)
    assert not is_sent("cli/__pycache__/main.cpython-311.pyc")
    assert is_sent("cli/main.py")


def test_the_image_has_the_program_and_an_empty_volume(image: Image) -> None:
    assert not (image.root / "src").exists()
    for arguments, expected in ((["--version"], "plytalk "), (["demo"], "What an eavesdropper learned")):
        done = subprocess.run(image.command(*arguments), env=image.environment, capture_output=True, text=True, cwd=image.root)
        assert expected in done.stdout, done.stderr


def test_a_container_serves_and_keeps_its_key_in_the_volume(image: Image) -> None:
    command = image.command(*json.loads(argument("CMD")), "--port", "0")
    with subprocess.Popen(
        command, env=image.environment, cwd=image.root, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        told = next((line for line in server.stderr if line.startswith("Listening on ")), "")
        server.terminate()
        server.stderr.read()
    assert told.startswith("Listening on 0.0.0.0:")
    assert (image.root / "var/lib/plytalk/identity").stat().st_mode & 0o777 == 0o600
