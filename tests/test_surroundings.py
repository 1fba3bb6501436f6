"""The tests find the same surroundings however they are started, and what one leaves behind is found."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import surroundings
from programs import importing
from strangers import bad, good, plant
from surroundings import ROOT, Folders, Leftovers, in_the_background, prepare

QUIET = ("-p", "no:cacheprovider")
WITH_SUPPORT = {**os.environ, **importing(ROOT / "tests" / "support")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(surroundings, "PATIENCE", 0)
    (tmp_path / "home").mkdir()
    (tmp_path / "project" / "inner").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def before(folder: Path) -> Leftovers:
    return Leftovers(folder / "home", Folders(folder / "project"))


def test_nothing_left_is_nothing_found(before: Leftovers) -> None:
    assert before.found() == []


@pytest.mark.parametrize("name", ["identity", "inner/identity", "no-such-folder/plytalk/identity"])
def test_a_file_in_the_project_is_found(before: Leftovers, folder: Path, name: str) -> None:
    (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / "project" / name).touch()
    assert before.found() == [f"the file {name.partition('/plytalk')[0]} is in the project"]
    assert before.found() == []


def test_a_file_in_the_home_folder_is_found(before: Leftovers, folder: Path) -> None:
    (folder / "home" / ".local" / "plytalk").mkdir(parents=True)
    (folder / "home" / ".local" / "plytalk" / "identity").touch()
    assert [sentence.rpartition("/")[2] for sentence in before.found()] == ["identity is in the user's home folder"]


def test_files_that_tools_make_are_no_leftovers(before: Leftovers, folder: Path) -> None:
    for name in ("__pycache__", ".hypothesis", "plytalk.egg-info", ".test.py.swp"):
        (folder / "project" / name).mkdir()
    assert before.found() == []


def test_a_thread_is_found_unless_it_ends(before: Leftovers) -> None:
    go = threading.Event()
    thread = threading.Thread(target=go.wait, name="left alone")
    thread.start()
    try:
        assert before.found() == ["the thread 'left alone' still runs"]
    finally:
        go.set()
        thread.join()
    assert before.found() == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells which children a process has")
def test_a_process_is_found_unless_it_ends(before: Leftovers) -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # until then it may still be a copy of this process
        [sentence] = before.found()
        process.communicate(b"\n")
    assert str(process.pid) in sentence
    assert "input()" in sentence
    assert before.found() == []


def test_what_outlives_one_test_can_be_allowed(before: Leftovers) -> None:
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    before.allow()
    try:
        assert before.found() == []
    finally:
        go.set()
        thread.join()


def test_a_changed_environment_is_found(before: Leftovers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_CIPHER", "none")
    assert before.found() == ["os.environ has changed: PLYTALK_CIPHER"]
    monkeypatch.undo()


def test_settings_of_the_person_who_runs_the_tests_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PLYTALK_CIPHER", "XDG_DATA_HOME", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LC_ALL", "TMUX"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("TERM", "dumb")
    home = os.environ["HOME"]
    try:
        new = prepare()
        assert "1" not in [os.environ.get(name) for name in ("PLYTALK_CIPHER", "XDG_DATA_HOME", "NO_COLOR", "LC_ALL", "TMUX")]
        assert os.environ["TERM"] == "xterm-256color"
        assert list(new.iterdir()) == []
        new.rmdir()
    finally:
        os.environ["HOME"] = home


@pytest.mark.skipif(os.name != "posix", reason="signals are those of a Unix system")
def test_programs_that_tests_start_in_the_background_can_be_interrupted() -> None:
    look = "import signal; print(*sorted(n for n in (1, 2) if signal.getsignal(n) is signal.SIG_IGN))"
    assert in_the_background(sys.executable, "-c", look).stdout.split() == ["1", "2"]
    program = (
        f"import surroundings, subprocess, sys; surroundings.prepare().rmdir(); subprocess.run([sys.executable, '-c', {look!r}])"
    )
    assert in_the_background(sys.executable, "-c", program, cwd=ROOT / "tests" / "support").stdout.split() == []
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


@pytest.mark.skipif(os.name != "posix", reason="signals are those of a Unix system")
def test_the_tests_of_control_c_pass_in_the_background() -> None:
    run = in_the_background(
        sys.executable, "-m", "pytest", *QUIET, "tests/cli/test_main.py", "-k", "control_c", cwd=ROOT, timeout=300
    )
    assert run.returncode == 0, run.stdout
    assert "passed" in run.stdout


def test_a_test_that_leaves_a_thread_behind_fails(tmp_path: Path) -> None:
    """The check itself, from outside: a planted test under the project's conftest."""
    planted = tmp_path / "test_planted.py"
    planted.write_text(
        "import threading\n\ndef test_planted(monkeypatch):\n"
        "    import surroundings\n    surroundings.PATIENCE = 0\n"
        "    threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    command = [sys.executable, "-m", "pytest", *QUIET, "-p", "conftest", "--rootdir", tmp_path, planted]
    run = subprocess.run(command, cwd=ROOT / "tests", env=WITH_SUPPORT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "The test leaves something behind: the thread" in run.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one process", "workers"])
def test_what_a_whole_run_leaves_behind_fails_it_and_its_workers_are_no_part_of_that(tmp_path: Path, workers: tuple) -> None:
    planted = tmp_path / "test_planted.py"
    planted.write_text(
        "import subprocess, sys\nimport pytest\nimport surroundings\nsurroundings.PATIENCE = 0\n\n"
        "@pytest.fixture(scope='session')\ndef program():\n"
        "    return subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n\n"
        "def test_clean(): pass\n\ndef test_leaving(program): pass\n"
    )
    command = [sys.executable, "-m", "pytest", *QUIET, "-p", "conftest", "--rootdir", tmp_path, *workers, planted]
    for only, code, words in (("clean", 0, "1 passed"), ("leaving", 1, "The tests leave something behind: the process")):
        run = subprocess.run(
            [*command, "-k", only], cwd=ROOT / "tests", env=WITH_SUPPORT, capture_output=True, text=True, timeout=300
        )
        assert run.returncode == code, run.stdout + run.stderr
        assert words in run.stdout


def test_plugins_that_somebody_has_installed_are_hidden_from_tests_and_their_programs(tmp_path: Path) -> None:
    plant(tmp_path, "plytalk-cipher-mine", {"cipher-mine": good("mine")})
    plant(tmp_path, "plytalk-cipher-broken", {"cipher-import": bad("import")})
    look = "from plytalk.core.registry.registry import Registry; print('mine' in Registry().names('cipher'))"
    program = f"import surroundings, subprocess, sys; surroundings.prepare().rmdir(); {look}; sys.stdout.flush()\n"
    again = f"subprocess.run([sys.executable, '-c', {look!r}])"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    seen = subprocess.run([sys.executable, "-c", look], env=environment, capture_output=True, text=True, check=True)
    hidden = subprocess.run(
        [sys.executable, "-c", program + again],
        env=environment,
        cwd=ROOT / "tests" / "support",
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.split() == ["True"]
    assert hidden.stdout.split() == ["False", "False"]


def test_a_program_that_is_killed_on_a_terminal_is_waited_for() -> None:
    """However long that takes: ptyprocess alone fails after a tenth of a second, which a busy machine exceeds."""
    pexpect = pytest.importorskip("pexpect", reason="terminals need a system that has them")
    program = pexpect.spawn("/bin/sh", ["-c", "trap '' HUP INT; echo ready; exec sleep 60"])
    program.expect_exact("ready")
    program.ptyproc.delayafterterminate = 0
    program.close(force=True)
    assert not program.isalive()
