"""The same surroundings for every test, however the tests are started, and a check that a test leaves them as they were.

`prepare` runs before any test module is imported. `Leftovers` compares what is there before and after one test: threads, child
processes, files in the project, files in the home folder, the environment, the working directory, `sys.path` and
what signals do.
"""

import contextlib
import importlib.metadata
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = Path(__file__).with_name("hidden")
PATIENCE = 60.0  # seconds that something may take to end on a busy machine; only a failure waits so long
SETTINGS = ("PLYTALK_", "XDG_", "LC_", "PYTHON", "CLICOLOR", "TMUX")
SETTINGS_BY_NAME = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LANGUAGE", "TZ", "ENV", "BASH_ENV"}
KEPT = {"PYTHONDONTWRITEBYTECODE"}
# Python ignores these two itself, and gives them back to children (`restore_signals`).
IGNORED_BY_PYTHON = {getattr(signal, name, None) for name in ("SIGPIPE", "SIGXFSZ")}
MADE_BY_TOOLS = {"__pycache__", "node_modules", "build", "dist", "site"}


def prepare() -> Path:
    """Make the surroundings those of a new user in the foreground. Returns that user's home folder, which is empty."""
    default_signals()
    home = Path(tempfile.mkdtemp(prefix="plytalk-tests-home-"))
    for name in list(os.environ):
        if (name.startswith(SETTINGS) or name in SETTINGS_BY_NAME) and name not in KEPT:
            del os.environ[name]
    os.environ.update(HOME=str(home), LANG="C.UTF-8", TERM="xterm-256color")
    os.umask(0o022)
    hide_others()
    return home


def hide_others() -> None:
    """Hide every plugin that is installed here and is not ours, from these tests and from the programs they start."""
    others = sorted(
        str(getattr(each, "_path", ""))
        for each in importlib.metadata.distributions()
        if "[plytalk]" in (each.read_text("entry_points.txt") or "") and each.name != "plytalk"
    )
    if others:
        os.environ["HIDDEN_DISTRIBUTIONS"] = os.pathsep.join(others)
        runpy.run_path(str(HIDDEN / "sitecustomize.py"))
    if "HIDDEN_DISTRIBUTIONS" in os.environ:  # also where this process has been started with them hidden already
        os.environ["PYTHONPATH"] = str(HIDDEN)


def default_signals() -> None:
    """Undo what a shell does to a job in the background (SIGINT ignored) and nohup (SIGHUP): programs inherit it.

    The handler is a function, so a program that is started gets the signal's default action, and these tests still ignore it.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in signal.valid_signals() - IGNORED_BY_PYTHON:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else lambda *_: None)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, [])


class Leftovers:
    """What is there now; `found` tells what has been added since."""

    def __init__(self, home: Path, folders: "Folders") -> None:
        self._home, self._folders = home, folders
        folders.changed()
        self._threads = set(threading.enumerate())
        self._children = set(children())
        self._homes = set(files_in(home))
        self._state = state()

    def allow(self) -> None:
        """Take the threads and processes that are there now as if they had been there before."""
        self._threads |= set(threading.enumerate())
        self._children |= set(children())

    def left(self) -> list[str]:
        """One sentence for each thing that is left behind. Threads and processes that are about to end get the time to do so."""
        deadline = time.monotonic() + PATIENCE
        sentences = [f"the thread {thread.name!r} still runs" for thread in self._threads_left(deadline)]
        sentences += [f"the process {description} still runs" for description in self._children_left(deadline)]
        sentences += [f"the file {path} is in the project" for path in self._folders.changed()]
        sentences += [f"the file {path} is in the user's home folder" for path in set(files_in(self._home)) - self._homes]
        return sentences

    def found(self) -> list[str]:
        """What is left behind, and what is changed for the tests after this one."""
        sentences, now = self.left(), state()
        for name in now:
            if now[name] != self._state[name]:
                sentences.append(f"{name} has changed: {differences(self._state[name], now[name])}")
        return sentences

    def _threads_left(self, deadline: float) -> list[threading.Thread]:
        new = [thread for thread in threading.enumerate() if thread not in self._threads]
        for thread in new:
            thread.join(max(0, deadline - time.monotonic()))
        return [thread for thread in new if thread.is_alive()]

    def _children_left(self, deadline: float) -> list[str]:
        while True:
            left = [pid for pid in children() if pid not in self._children and not has_ended(pid)]
            if not left or time.monotonic() > deadline:
                return [f"{pid} ({command_of(pid)})" for pid in left]
            time.sleep(0.01)  # there is no call that waits for a child without taking its status from the code that started it


class Folders:
    """The folders of the project that belong to it. A new file changes the modification time of its folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, set[str]] = {}
        self._times: dict[str, int] = {}
        self._look(str(root))

    def _look(self, folder: str) -> list[str]:
        """Read a folder; what is new in it, and in new folders below it."""
        self._times[folder] = os.stat(folder).st_mtime_ns
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not made_by_tools(entry.name)]
        known = self._names.get(folder, set())
        self._names[folder] = {entry.name for entry in found}
        new = [os.path.relpath(entry.path, self._root) for entry in found if entry.name not in known]
        for entry in found:
            if entry.is_dir(follow_symlinks=False) and entry.path not in self._names:
                self._look(entry.path)
        return new

    def changed(self) -> list[str]:
        """Files and folders that are new since the last call."""
        new: list[str] = []
        for folder in list(self._times):
            try:
                if os.stat(folder).st_mtime_ns != self._times[folder]:
                    new += self._look(folder)
            except FileNotFoundError:
                del self._times[folder], self._names[folder]
        return new


def made_by_tools(name: str) -> bool:
    """Whether it is one of the files that compilers, checkers and editors make beside the sources."""
    return name.startswith(".") or name in MADE_BY_TOOLS or name.endswith((".egg-info", ".pyc", "~"))


def files_in(folder: Path) -> Iterator[str]:
    """Files below a folder, but for the caches of programs that are not ours."""
    for path in folder.rglob("*") if any(folder.iterdir()) else ():
        if "plytalk" in str(path.relative_to(folder)) and path.is_file():
            yield str(path)


@contextlib.contextmanager
def handlers_kept() -> Iterator[None]:
    """Let `chat`'s `main`, called in the process of the tests, set its handlers, and set those of the tests again."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    hook = sys.unraisablehook
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def state() -> dict[str, object]:
    """What a test can change for the tests after it."""
    environment = [f"{name}={value}" for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"]
    handlers = [f"{number.name}={signal.getsignal(number)}" for number in sorted(signal.Signals)]
    return {
        "os.environ": environment,
        "the working directory": os.getcwd(),
        "sys.path": list(sys.path),
        "what signals do": handlers,
    }


def differences(before: object, now: object) -> str:
    """What is in one and not in the other; of the environment the names alone."""
    old, new = (set(value if isinstance(value, list) else [value]) for value in (before, now))
    return ", ".join(sorted(str(entry).partition("=")[0] for entry in old ^ new)) or "the order"


def children() -> list[int]:
    """The processes that this one has started; none where the system does not tell (only Linux does)."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir("/proc/self/task"):
            found += map(int, Path(f"/proc/self/task/{task}/children").read_text().split())
    return found


def has_ended(pid: int) -> bool:
    """Whether it is gone, or is only still listed because nobody has asked for its exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    return "?"


def in_the_background(*command: str, **options: object) -> "subprocess.CompletedProcess[str]":
    """Run a command as a shell runs a background job: with SIGINT and SIGHUP ignored."""
    script = 'trap "" INT HUP; exec "$@"'
    return subprocess.run(["/bin/sh", "-c", script, "sh", *command], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]
