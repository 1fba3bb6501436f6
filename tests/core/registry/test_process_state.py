"""What a plugin changes of the process when it is imported is put back, and told."""

import os
import signal
import sys
import warnings
from pathlib import Path

import programs
import pytest
from strangers import good, plant, server_with

from plytalk.core.io.descriptors import mask_of_user
from plytalk.core.registry.process_state import LONG, SIGNALS, keeping_process_state
from plytalk.core.registry.registry import Problem, Registry

CHANGES = {
    "the SIGINT handler": "import signal\nsignal.signal(signal.SIGINT, lambda *_: None)\n",
    "the SIGTERM handler": "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n",
    "the SIGPIPE handler": "import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\n",
    "the SIGCHLD handler": "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n",
    "the current folder": "import os\nos.chdir('/')\n",
    "the umask": "import os\nos.umask(0o333)\n",
    "the warning filters": "import warnings\nwarnings.filterwarnings('error', 'of nothing else')\n",
    "sys.excepthook": "import sys\nsys.excepthook = print\n",
    "sys.unraisablehook": "import sys\nsys.unraisablehook = print\n",
}
STREAMS = {
    "another stdout": "import io, sys\nsys.stdout = io.StringIO()\n",
    "no stderr": "import sys\nsys.stderr = None\n",
    "a closed stdout": "import sys\nsys.stdout.close()\n",
}


def seen() -> list[object]:
    handlers = [signal.getsignal(getattr(signal, name)) for name in SIGNALS]
    return [
        *handlers,
        os.getcwd(),
        mask_of_user(),
        list(warnings.filters),
        sys.excepthook,
        sys.unraisablehook,
        sys.stdout,
        sys.stderr,
    ]


def problems_of(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Problem]:
    """The problems of a plugin whose module begins with this text, which leaves the process as it was."""
    before = seen()
    plant(folder, "plytalk-cipher-loud", {"cipher-loud": text + good("loud")})
    monkeypatch.syspath_prepend(folder)
    registry = Registry()
    assert registry.layer("cipher", "loud").name == "loud"
    assert seen() == before
    return [one for one in registry.problems if one.key == "cipher-loud"]


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_put_back_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    problems = problems_of(CHANGES[what], tmp_path, monkeypatch)
    said = f"The plugin `cipher-loud` of plytalk-cipher-loud 1.0 changes {what} when it is imported. This was undone."
    assert [str(one.error) for one in problems if one.usable] == [said]


@pytest.mark.parametrize("what", STREAMS)
def test_streams_are_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    problems = problems_of(STREAMS[what], tmp_path, monkeypatch)
    assert problems == []


def test_what_cannot_be_put_back_changes_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    before = sys.excepthook
    with keeping_process_state("") as effects:
        os.chdir("/")
        gone.rmdir()
        sys.excepthook = print
    assert (effects.changed, effects.left) == (["sys.excepthook"], ["the current folder"])
    assert sys.excepthook is before


def test_control_c_still_says_goodbye(tmp_path: Path) -> None:
    text = CHANGES["the SIGINT handler"] + "from plytalk import Command, Feature, hookimpl\ndef wait(call): pass\n"
    with server_with("wait", text, tmp_path) as (server, port):
        environment = programs.home(tmp_path, "client") | programs.importing(tmp_path)
        with programs.connect(port, "--accept-new", "--feature", "bad", environment=environment) as client:
            client.say("/who")
            client.tells(", SHA256:")
            client.process.send_signal(signal.SIGINT)
            assert client.status() == 130
        server.process.send_signal(signal.SIGINT)
        assert server.status() == 130


def test_an_interruption_says_which_plugin_takes_long(tmp_path: Path) -> None:
    hangs = f"import signal, time\ntime.sleep({LONG + 0.1})\nsignal.raise_signal(signal.SIGINT)\n"
    plant(tmp_path, "plytalk-cipher-slow", {"cipher-slow": hangs + good("slow")})
    run = programs.chat("plugins", environment=programs.home(tmp_path, "user") | programs.importing(tmp_path))
    assert run.returncode == 130
    said = "The plugin `cipher-slow` of plytalk-cipher-slow 1.0 was still being imported. To do without it: -p no:cipher-slow."
    assert run.stderr.strip() == f"chat: Interrupted. {said}"
    run = programs.chat(
        "plugins", "-p", "no:cipher-slow", environment=programs.home(tmp_path, "user") | programs.importing(tmp_path)
    )
    assert run.returncode == 0
