"""A Tor network of this machine's own, as chutney makes them: authorities, relays, a client, and an onion service.

It takes about half a minute until the network has agreed on a consensus and the onion service can be found.
"""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from web_servers import free_port

TOR = shutil.which("tor", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
GENCERT = shutil.which("tor-gencert")
needs_tor = pytest.mark.skipif(not (TOR and GENCERT), reason="needs tor (on Debian: apt install tor)")

AUTHORITIES, RELAYS = 3, 2
EVERYWHERE = """
TestingTorNetwork 1
DataDirectory {folder}
PidFile {folder}/pid
Nickname {name}
ShutdownWaitLength 0
SafeLogging 0
Log {level} file {folder}/log
ControlPort 0
User {user}
"""
RELAY = """
SocksPort 0
ORPort 127.0.0.1:{orport}
Address 127.0.0.1
AssumeReachable 1
ExitRelay 1
ExitPolicy accept 127.0.0.0/8:*
ExitPolicyRejectPrivate 0
"""
AUTHORITY = """
DirPort 127.0.0.1:{dirport}
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo nobody@example.org
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
"""
CLIENT = """
SocksPort 127.0.0.1:{socks}
"""
SERVICE = """
HiddenServiceDir {folder}/service
HiddenServicePort 80 127.0.0.1:{port}
"""
PUBLISHED = "Uploading hidden service descriptor: finished with status 200"
"""What a service logs for each place at which it can now be found."""


@dataclass
class TorNetwork:
    """Its SOCKS port, and the name of the onion service."""

    socks: int
    onion: str


def authority_line(folder: Path, name: str, orport: int, dirport: int) -> str:
    """Make the keys of an authority, and the line by which all others know it."""
    keys = folder / "keys"
    keys.mkdir(parents=True)
    names = ["-i", "authority_identity_key", "-s", "authority_signing_key", "-c", "authority_certificate"]
    made = [str(GENCERT), "--create-identity-key", "--passphrase-fd", "0", *names, "-m", "12", "-a", f"127.0.0.1:{dirport}"]
    subprocess.run(made, input=b"\n", cwd=keys, check=True, capture_output=True)
    certificate = (keys / "authority_certificate").read_text().splitlines()
    identity = next(line.split()[1] for line in certificate if line.startswith("fingerprint "))
    listing = [str(TOR), "--ignore-missing-torrc", "-f", str(folder / "none"), "--list-fingerprint", "--ORPort", str(orport)]
    options = ["--DataDirectory", str(folder), "--Nickname", name, "--Address", "127.0.0.1", "--quiet"]
    options += ["--DirAuthority", f"x orport={orport} v3ident={identity} 127.0.0.1:{dirport} {'0' * 40}"]
    listed = subprocess.run([*listing, *options], check=True, capture_output=True, text=True).stdout
    fingerprint = "".join(listed.split()[1:])
    return f"DirAuthority {name} orport={orport} v3ident={identity} 127.0.0.1:{dirport} {fingerprint}\n"


@contextlib.contextmanager
def tor_network(folder: Path, port: int, service: str = "") -> Iterator[TorNetwork]:
    """A network whose onion service leads from its port 80 to this port. `service` are more lines about it."""
    user = os.environ.get("USER") or "root"
    torrc: dict[str, str] = {}
    known = ""
    for number in range(AUTHORITIES + RELAYS):
        name, orport = f"relay{number}", free_port()
        torrc[name] = RELAY.format(orport=orport)
        if number < AUTHORITIES:
            dirport = free_port()
            known += authority_line(folder / name, name, orport, dirport)
            torrc[name] += AUTHORITY.format(dirport=dirport)
    socks = free_port()
    torrc["client"] = CLIENT.format(socks=socks)
    torrc["service"] = "SocksPort 0\n" + SERVICE.format(folder=folder / "service", port=port) + service
    with contextlib.ExitStack() as running:
        for name, lines in torrc.items():
            own = folder / name
            own.mkdir(exist_ok=True)
            own.chmod(0o700)
            level = "info" if name == "service" else "notice"
            file = own / "torrc"
            file.write_text(EVERYWHERE.format(folder=own, name=name, user=user, level=level) + known + lines)
            running.enter_context(one_tor(file))
        until(lambda: "Bootstrapped 100%" in (folder / "client" / "log").read_text(), "the client knows no network")
        log = folder / "service" / "log"
        until(lambda: log.read_text().count(PUBLISHED) >= AUTHORITIES, "the onion service is not published")
        yield TorNetwork(socks, (folder / "service" / "service" / "hostname").read_text().strip())


@contextlib.contextmanager
def one_tor(file: Path) -> Iterator[None]:
    process = subprocess.Popen([str(TOR), "-f", str(file), "--quiet"], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def until(condition: object, otherwise: str, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if condition():  # type: ignore[operator]
                return
        assert time.monotonic() < end, otherwise
        time.sleep(0.2)
