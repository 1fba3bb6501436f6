"""avahi (https://avahi.org), by which most Linux machines speak multicast DNS: in a namespace, with files that only it sees."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.system.lan.lan_network import HOME

MACHINE = "attic"
CONFIGURATION = f"""
[server]
host-name={MACHINE}
allow-interfaces={HOME}
use-ipv4=yes
use-ipv6=yes
[publish]
publish-hinfo=no
publish-workstation=no
"""
BESIDE = """
set -e
mount -t tmpfs none /run
mkdir -p /run/dbus /run/avahi-daemon
dbus-daemon --system --nofork --nopidfile & dbus=$!
until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
avahi-daemon --no-drop-root --no-chroot --no-rlimits --no-proc-title -f "$0" & avahi=$!
trap 'kill $avahi $dbus; wait' EXIT
until avahi-daemon --check && avahi-resolve -n "$(sed -n 's/^host-name=//p' "$0").local"; do sleep 0.05; done
"$@"
"""
"""Runs a command beside avahi; `ip netns exec` gives it mounts that nobody else sees."""


def beside_avahi(folder: Path, command: Sequence[str]) -> list[str]:
    """A command that runs while avahi does; skips the test where that is not installed."""
    for program, package in (("avahi-daemon", "avahi-daemon"), ("avahi-browse", "avahi-utils"), ("dbus-daemon", "dbus")):
        if not shutil.which(program, path="/usr/sbin:/usr/bin"):
            pytest.skip(f"needs {program} (on Debian: apt install {package})")
    file = folder / "avahi.conf"
    file.write_text(CONFIGURATION)
    return ["sh", "-c", BESIDE, str(file), *command]
