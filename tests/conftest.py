"""What all tests share: the same surroundings, and for each `async def` test a loop, minutes at most, and no task left behind.

A test that leaves a file in the project, a thread or a process behind fails (see surroundings.py).
"""

import asyncio
import inspect
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from killed_terminals import wait_for_killed_programs
from skips import listed, unlisted
from surroundings import ROOT, Folders, Leftovers, prepare

HOME = prepare()  # before anything is imported that reads the environment

import virtual_time  # noqa: E402  # see above
from event_checks import FAULTS  # noqa: E402

from plytalk.testing import verdict  # noqa: E402

FAULTS.watch()
wait_for_killed_programs()
PATIENCE, verdict.PATIENCE = 240.0, 100.0  # seconds for a whole test, and for one event: only a failure uses them up
FOLDERS = Folders(ROOT)
AT_THE_START = Leftovers(HOME, FOLDERS)
LEFT, LEFT_BY_WORKERS = "left", list[str]()
LEFTOVERS = pytest.StashKey[Leftovers]()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}

    async def before_the_end() -> None:
        async with asyncio.timeout(PATIENCE):
            await pyfuncitem.obj(**arguments)

    if pyfuncitem.get_closest_marker("virtual_time"):
        virtual_time.run(lambda: verdict.tidily(before_the_end))
    else:
        verdict.run(before_the_end)
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    item.session.stash[LEFTOVERS] = Leftovers(HOME, FOLDERS)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    yield
    if faults := FAULTS.take():
        pytest.fail("Events are not what their schema says: " + "; ".join(faults[:3]) + ".", pytrace=False)
    if left := item.session.stash[LEFTOVERS].found():
        pytest.fail("The test leaves something behind: " + "; ".join(left) + ".", pytrace=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest) -> Iterator[object]:
    result = yield
    if fixturedef.scope != "function":  # what it starts may outlive this test, though not the last one
        request.session.stash[LEFTOVERS].allow()
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leftovers of the whole run fail it: with `-n` those of each worker. The workers themselves are none of them."""
    here = [] if session.config.pluginmanager.has_plugin("dsession") else AT_THE_START.left()
    if hasattr(session.config, "workeroutput"):  # in a worker, which cannot fail the run
        session.config.workeroutput[LEFT] = here
    if left := LEFT_BY_WORKERS + here:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\nThe tests leave something behind: " + "; ".join(left) + ".")
    if not_allowed(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    LEFT_BY_WORKERS.extend(getattr(node, "workeroutput", {}).get(LEFT, []))  # one that crashed has said nothing


def not_allowed(config: pytest.Config) -> list[str]:
    """The skips so far that fail because CI is set; none elsewhere, where a test may say what it needs and skip."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if "CI" not in os.environ or reporter is None:
        return []
    return unlisted([(report.nodeid, report.longrepr[2]) for report in reporter.stats.get("skipped", ())], listed())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    seed = config.getoption("randomly_seed", None)
    for skip in not_allowed(config):
        terminalreporter.write_line(f"Skipped, and not in tests/support/skips.toml: {skip}", red=True)
    failed = terminalreporter.stats.get("failed") or terminalreporter.stats.get("error")
    if isinstance(seed, int) and (failed or "CI" in os.environ):
        terminalreporter.write_line(f"The order was random. To repeat it: ./run pytest --randomly-seed={seed}")


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.FileIO]]:
    """What to read from, and what writes to it. Threads that read it have ended before its number means something else."""
    threads = set(threading.enumerate())
    read, write = os.pipe()
    with open(read, "rb"):
        with io.FileIO(write, "wb") as writer:
            yield read, writer
        for thread in set(threading.enumerate()) - threads:
            thread.join()


@pytest.fixture
def alone_on_loopback() -> Iterator[None]:
    """No other test of this machine speaks multicast DNS on the loopback device meanwhile: all would hear each other."""
    fcntl = pytest.importorskip("fcntl", reason="needs file locks of Unix")
    with Path(tempfile.gettempdir(), f"plytalk-loopback-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
