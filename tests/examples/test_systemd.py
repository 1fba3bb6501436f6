"""The example unit: systemd understands it, its sandbox is a tight one, and its command line is one that runs."""

import configparser
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import programs
import pytest

from plytalk.core.contracts.limits import DEFAULT_LIMITS

PROJECT = Path(__file__).resolve().parents[2]
UNIT = PROJECT / "examples" / "systemd" / "plytalk.service"
INSTALLED = "/opt/plytalk/bin/chat"
LOOSEST = 2.0  # of 10, by the scale of `systemd-analyze security`: a service without any sandbox has 9.6


def setting(name: str) -> str:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    return unit["Service"][name]


def analyze(*arguments: str, unit: Path) -> subprocess.CompletedProcess[str]:
    analyzer = shutil.which("systemd-analyze")
    if analyzer is None:
        pytest.skip("needs systemd-analyze (on Debian: apt install systemd)")
    return subprocess.run([analyzer, *arguments, str(unit)], capture_output=True, text=True, timeout=180)


@pytest.fixture(params=["plytalk.service", "plytalk-relay.service"])
def unit(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A unit as it is, but for the program's place: that of this environment."""
    copy = tmp_path / str(request.param)
    copy.write_text((UNIT.parent / copy.name).read_text().replace(INSTALLED, sys.executable))
    return copy


def test_systemd_understands_every_line(unit: Path) -> None:
    run = analyze("verify", "--man=no", unit=unit)
    assert [line for line in run.stderr.splitlines() if unit.name in line] == []
    assert run.returncode == 0, run.stderr
    unit.write_text(unit.read_text().replace("ProtectSystem", "ProtectSystm"))
    assert "ProtectSystm" in analyze("verify", "--man=no", unit=unit).stderr


def test_systemd_lets_the_server_wait_for_its_peers() -> None:
    assert int(setting("TimeoutStopSec")) > DEFAULT_LIMITS.farewell


def test_its_sandbox_is_tight(unit: Path) -> None:
    if "--offline" not in analyze("--help", unit=unit).stdout:
        pytest.skip("needs systemd-analyze of systemd 250 or newer")
    run = analyze("security", "--offline=true", "--no-pager", unit=unit)
    exposure = re.search(rf"Overall exposure level for {re.escape(unit.name)}: (\d+\.\d)", run.stdout)
    assert exposure is not None, run.stdout + run.stderr
    assert float(exposure[1]) < LOOSEST


def test_its_options_are_those_of_the_program() -> None:
    program, serve, *arguments = setting("ExecStart").split()
    assert (program, serve) == (INSTALLED, "serve")
    known = set(re.findall(r"--[a-z-]+", programs.chat("serve", "--help").stdout))
    assert {argument for argument in arguments if argument.startswith("--")} <= known


@pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX systems")
def test_its_command_serves_and_ends_well_when_systemd_stops_it(tmp_path: Path) -> None:
    """The unit's own command, at addresses that are free: what it tells goes to the journal."""
    free = {"0.0.0.0": "127.0.0.1", "127.0.0.1:9591": "127.0.0.1:0"}
    arguments = [free.get(argument, argument) for argument in setting("ExecStart").split()[2:]]
    environment = programs.ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path)}
    with programs.serve(*arguments, environment=environment) as server:
        server.tells('"event": "server opened"')
        [figures] = re.findall(r"http://127\.0\.0\.1:\d+/", "\n".join(server.told))
        assert urllib.request.urlopen(f"{figures}healthz", timeout=180).read() == b"ok\n"
        server.process.send_signal(signal.SIGHUP)
        server.process.send_signal(signal.SIGTERM)
        assert server.status() == 0
    assert '"event": "server closed"' in server.told[-1]
