"""Through a real Tor network of this machine's own, which takes half a minute to come up."""

import json
from pathlib import Path

from people import environment
from programs import chat, complaint, serve
from tor_network import needs_tor, tor_network
from web_servers import free_port

CIRCUITS = "HiddenServiceExportCircuitID haproxy\n"
USERS = ("", "one:x@", "other:x@")
"""Tor leads users of its SOCKS port over different circuits, as it does users on different machines."""


@needs_tor
def test_an_onion_service_is_reached_and_its_peers_are_told_apart(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    behind = ("--keep", "--headless", "--forwarder", "127.0.0.1", "--proxy-line", "--log-json", str(log), "--port", str(port))
    with tor_network(tmp_path / "tor", port, CIRCUITS) as tor, serve(*behind, environment=environment(tmp_path / "server")):
        ours = environment(tmp_path / "client")
        for user in USERS:
            through = {**ours, "PLYTALK_PROXY": f"socks5h://{user}127.0.0.1:{tor.socks}"}
            run = chat("connect", f"{tor.onion}:80", "--accept-new", typed="hello\n", environment=through)
            assert run.returncode == 0, run.stderr
            assert f"Talking to {tor.onion}:80" in run.stderr
        seen = json.loads(chat("audit", "--json", f"{tor.onion}:80", environment=through).stdout)
        assert seen["profile"] == "plytalk1"
        run = chat("connect", f"{'a' * 56}.onion", environment=through)
        assert run.returncode == 3
        assert f"The proxy 127.0.0.1:{tor.socks} did not connect to aaa" in complaint(run)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    sources = [event["address"].rpartition(":")[0] for event in events if event["event"] == "session opened"][: len(USERS)]
    assert len({*sources}) == len(USERS)
    assert all(source.startswith("proxied-circuit-") for source in sources)
