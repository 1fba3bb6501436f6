"""A guest's ssh connection as a stream: what it types are frames with a length, one a line, and so is what it is shown.

ssh is asyncssh's; this side drives it over the stream below, so that admission counts a guest from its first byte on. One channel
with a shell is all that a guest gets. The shell is the chat: nothing is run, and nothing is passed on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncssh

from plytalk.core.bases.filter_stream import FilterStream, Opening
from plytalk.core.bases.token_bucket import TokenBucket
from plytalk.core.contracts.errors import HandshakeFailed, Refused, TooSlow
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.peers import Identity, Login
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.wire import CutWire
from plytalk.plugins.ssh.guest_terminal import GuestTerminal
from plytalk.plugins.ssh.ssh_units import cut_packets

EXIT = b"exit"
FIRST_BYTES_SECONDS = 10.0
"""How long a guest may send nothing at first, in seconds."""
SHELL_SECONDS = 10.0
"""How long a guest that has logged in may ask for no shell, in seconds."""
RATE = 64 * KIB
"""How many bytes of ssh a guest may send a second: each costs work, whatever it says."""
LOOK_AGAIN = 0.1
"""After how many seconds to check again whether a guest reads."""
BURST = 256 * KIB
"""How many of them it may send at once."""
BY_SSH = "A guest needs no more than: ssh -p PORT HOST."
LENGTH = 4
FULL = 64 * KIB
"""How many bytes may wait for a guest that does not read before the stream is full."""
MOST_REFUSALS = 10
"""How many requests of a guest are refused in a sentence; the others without a word."""

JudgeLogin = Callable[[Identity | None], Awaitable[bool]]


async def nobody(identity: Identity | None) -> bool:
    """Lets nobody in, until the server says whom."""
    return False


class BelowTransport(asyncio.Transport):
    """The stream below, as asyncssh wants it."""

    def __init__(self, stream: "GuestStream") -> None:
        super().__init__({"guest_stream": stream})
        self._stream = stream

    def write(self, data: Any) -> None:
        self._stream.write(bytes(data))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """What follows is `ssh_lost`, which knows why."""

    abort = close


class GuestStream(FilterStream):
    """One guest. `judge` says whether a key may come in, None for no key."""

    what = "ssh"

    def __init__(self, below: Stream, options: asyncssh.SSHServerConnectionOptions) -> None:
        super().__init__(below)
        self._options = options
        self._ssh: asyncssh.SSHServerConnection | None = None
        self.login = Login()
        self._is_known = False
        self.judge: JudgeLogin = nobody
        self.terminal = GuestTerminal(self._line, self._leave, self._write)
        self._channel: asyncssh.SSHServerChannel[str] | None = None
        self._channel_full = False
        self._unshown = bytearray()
        self._sentences: list[str] = []
        self._refusals = 0
        self._bucket = TokenBucket(RATE, BURST, asyncio.get_running_loop().time())
        self._deadline: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None

    # -- the opening ------------------------------------------------------------------------------------------------------

    def judge_logins(self, judge: JudgeLogin) -> None:
        self.judge = judge

    def cut(self, way: str) -> CutWire:
        return cut_packets()

    def begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._ssh = asyncssh.SSHServerConnection(loop, self._options)
        self._ssh.connection_made(BelowTransport(self))
        self._expect(FIRST_BYTES_SECONDS, "The other side said nothing.")

    def _expect(self, seconds: float, otherwise: str) -> None:
        """End a guest that makes no progress within this many seconds."""
        self._stop_expecting()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._give_up, otherwise)

    def _give_up(self, why: str) -> None:
        if self._ssh:
            self._ssh.disconnect(asyncssh.DISC_BY_APPLICATION, why)
        self.fail(TooSlow(why, BY_SSH))

    def _stop_expecting(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def take(self, data: bytes) -> None:
        if self._ssh is None:
            return
        if not self._is_known:
            self._stop_expecting()
        self._charge(len(data))
        self._ssh.data_received(data)

    def _charge(self, size: int) -> None:
        """Read no more for a while from a guest that sends too much, or does not read what it is answered."""
        self._bucket.refill(asyncio.get_running_loop().time())
        self._bucket.left -= size
        self._pause_where_needed()

    def _pause_where_needed(self) -> None:
        seconds = max(self._bucket.wait, LOOK_AGAIN if self.below.full else 0.0)
        if seconds > 0 and self._pause is None:
            self.below.pause()
            self._pause = asyncio.get_running_loop().call_later(seconds, self._read_on)

    def _read_on(self) -> None:
        self._pause = None
        self._bucket.refill(asyncio.get_running_loop().time())
        self._pause_where_needed()
        if not (self._pause or self._paused or self._kept):
            self.below.resume()

    def is_known(self, name: str, key: Identity | None) -> None:
        """The guest is in: under the name that it asks for, and with the key that it has proven."""
        self.login, self._is_known = Login(name, key), True
        self._expect(SHELL_SECONDS, "It asked for no shell, which is the chat here.")

    def has_shell(self, channel: "asyncssh.SSHServerChannel[str]") -> None:
        """The guest has its channel: the conversation begins."""
        self._stop_expecting()
        self._channel = channel
        channel.set_write_buffer_limits(FULL)
        self.terminal.show(self._sentences)
        self.is_open()

    def refuse(self, sentence: str) -> None:
        """The guest asked for something that there is not here: say so on its screen."""
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            return
        if self._channel:
            self.terminal.show([f"* {sentence}"])
        else:
            self._sentences.append(f"* {sentence}")

    def wanted_something_else(self, what: str) -> None:
        """In place of a shell it asked for this, and has been told."""
        self.fail(Refused(f"It asked for {what}, and here is a chat alone."))

    # -- what a guest types -----------------------------------------------------------------------------------------------

    def _line(self, line: str) -> None:
        if line.strip():
            self._deliver_frame(line.encode(errors="replace"))

    def _leave(self) -> None:
        self._deliver_frame(EXIT)

    def _deliver_frame(self, payload: bytes) -> None:
        self.deliver(len(payload).to_bytes(LENGTH, "big") + payload)

    # -- what a guest is shown --------------------------------------------------------------------------------------------

    def _write(self, text: str) -> None:
        if self._channel and not self._channel.is_closing():
            self._channel.write(text)

    def wrap(self, data: bytes) -> bytes:
        """The lines in these frames go to the channel; asyncssh sends them below."""
        self._unshown += data
        lines = []
        while (end := LENGTH + int.from_bytes(self._unshown[:LENGTH], "big")) <= len(self._unshown) >= LENGTH:
            lines.append(self._unshown[LENGTH:end].decode(errors="replace"))
            del self._unshown[:end]
        self.terminal.show(lines)
        return b""

    def wrap_end(self) -> bytes:
        if self._channel and not self._channel.is_closing():
            self._write(self.terminal.leave_row())
            self._channel.exit(0)
        return b""

    def hold(self, full: bool) -> None:
        """Whether more waits for the guest than it reads."""
        self._channel_full = full
        self.terminal.hold(full)
        self._wake()

    @property
    def full(self) -> bool:  # type: ignore[override]
        return self._channel_full or super().full

    @property
    def _waiting(self) -> int:
        return self._channel.get_write_buffer_size() if self._channel and not self._closed else 0

    @property
    def buffered(self) -> int:
        return self._waiting + super().buffered

    @property
    def undelivered(self) -> int:
        """ssh answers the end of its shell with a goodbye, and ends with an error where the connection is closed before that."""
        return self._waiting + super().undelivered + (self._finished and self._ssh is not None)

    async def drained(self) -> None:
        while self._channel_full and not self._closed:
            await self._change()
        await super().drained()

    # -- the end ----------------------------------------------------------------------------------------------------------

    def ssh_lost(self, error: Exception | None) -> None:
        """The ssh connection is over: with an error, or because one of the two said so."""
        self._ssh = None
        if self._closed:
            return
        if self.opening is Opening.BEGUN:
            self.fail(HandshakeFailed("The other side did not log in by ssh.", BY_SSH))
        elif error:
            self.fail(error)
        else:  # to go is to say exit, in the lines that a room takes
            self._leave()
            self.deliver_end()

    def close(self) -> None:
        super().close()
        self._stop_expecting()
        if self._pause:
            self._pause.cancel()
        ssh, self._ssh, self._channel = self._ssh, None, None
        if ssh:
            ssh.connection_lost(None)
