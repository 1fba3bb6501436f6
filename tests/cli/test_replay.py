"""A recorded handshake that is played to a server again: nobody comes in by it."""

import socket
import threading
from pathlib import Path

import pytest
from programs import ENVIRONMENT, connect, serve


class Recorder:
    """A port that passes on to another, and keeps the first frame that each caller sends."""

    def __init__(self, port: int) -> None:
        self._to, self.first = port, b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        client, _ = self._listener.accept()
        self._listener.close()
        with client, socket.create_connection(("127.0.0.1", self._to)) as server:
            back = threading.Thread(target=self._carry, args=(server, client), daemon=True)
            back.start()
            self._carry(client, server)
            back.join()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            if not self.first:
                self.first = data[: 2 + int.from_bytes(data[:2], "big")]
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("pattern", ["IK", "IX"])
def test_a_recorded_first_message_lets_nobody_in(pattern: str, tmp_path: Path) -> None:
    ours, theirs = (ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path / name)} for name in ("server", "client"))
    options = ["--handshake", "noise", "--pattern", pattern]
    with serve("--keep", *options, "--static-key", str(tmp_path / "static"), environment=ours) as server:
        known = [word for told in server.told for word in told.split() if len(word) == 64 and pattern == "IK"]
        recorder = Recorder(server.port)
        remote = ["--remote-key", known[0]] if known else ["--accept-new"]
        with connect(recorder.port, *options, *remote, environment=theirs) as client:
            client.tells("Talking to")
            client.say("hello")
            assert server.hear_words() == "hello"
            client.say("exit")
            assert client.status() == 0
        with socket.create_connection(("127.0.0.1", server.port)) as attacker:
            attacker.sendall(recorder.first)
            assert attacker.recv(65536)  # the server's part of the handshake, which the attacker cannot read
            attacker.sendall(len(junk := bytes(80)).to_bytes(2, "big") + junk)
            assert not attacker.recv(65536)
        server.tells("did not get in: The other side's first record does not decrypt: its handshake may be a recording")
        assert sum("Talking to" in told for told in server.told) == 1
