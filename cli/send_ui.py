"""What `chat send` shows, and when it ends."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from plytalk.cli.transfer_ui import TransferUi, in_short
from plytalk.core.contracts.events import Error, Event, File, Joined, Left, Renamed, Result, You
from plytalk.core.contracts.ui import Conversation
from plytalk.core.io.standard_streams import tell


class SendUi(TransferUi):
    """Offers files, and ends when somebody has received each, or everybody there has refused it."""

    def __init__(self, paths: Sequence[str], quiet: bool = False) -> None:
        super().__init__(quiet)
        self.paths = paths
        self.when_over: Callable[[], None] = lambda: None
        """Called when nobody is waited for any more."""
        self.waits = False
        """Whether the other side comes here, and may come back after a cut."""
        self.whom: tuple[str, str] | None = None
        """The name and the key of the contact who alone gets the offer; None to offer it to everybody there."""
        self._asked = self._offered = False
        self._company: You | None = None
        self._there: set[str | None] = set()
        """The names of the others."""
        self._knows_all = True
        """Whether they are all who are there: of a large room, only some are named."""
        self._refused: dict[str, set[str | None]] = {}
        """The members that declined or cancelled a transfer, or failed to receive it."""
        self._untold: list[File] = []
        """Offers of which the user has not been told yet who gets them."""

    def show(self, event: Event) -> None:
        if isinstance(event, Error) and event.request == "send" and self.whom:
            name, key = self.whom
            hint = "--to HOST[:PORT] offers it to everybody there." if key in event.text else event.hint
            event = replace(event, text=event.text.replace(f"the key {key}", f"the key of {name}"), hint=hint)
        super().show(event)

    def print_lines(self, *lines: str) -> None:
        """What the other side needs."""
        for line in lines:
            self._out.write(line)

    async def _work(self, conversation: Conversation) -> None:
        await conversation.drain()
        if not self._asked:  # the receiver may have come back
            self._asked = True
            conversation.command("send", [*self.paths, *([f"@{self.whom[1]}"] if self.whom else [])], "send")
        while not (self._offered or self.failed) or self.pending:
            await self._until_changed()
        self.when_over()

    def _is_over(self, event: File) -> bool:
        if super()._is_over(event) or self.whom:
            return True
        self._refused.setdefault(event.transfer, set()).add(event.sender.name)
        return self._is_refused(event.transfer)

    def note(self, event: Event) -> None:
        if isinstance(event, Result) and event.request == "send":
            self._offered = True
        elif isinstance(event, File) and event.own and event.state == "offered" and not self._offered:
            self.pending.add(event.transfer)
            self._untold.append(event)
        elif isinstance(event, You):
            self._company = event
            self._there = {one.name for one in event.others}
            self._knows_all = event.present <= 1 + len(event.others)
        elif isinstance(event, Joined) and not event.own:
            self._there.add(event.sender.name)
        elif isinstance(event, Renamed):
            for names in (self._there, *self._refused.values()):
                if event.sender.name in names:
                    names.remove(event.sender.name)
                    names.add(event.name)
        elif isinstance(event, Left):
            self._there.discard(event.sender.name)
            self._end_refused()
            if not event.reason:  # by its own wish: it does not come back
                self.when_over()
            elif self.waits and self.pending and not self._quiet:
                tell("Waiting for the other side to come back: what has arrived there is kept.")
        if self._company and self.draws and not self.waits:
            while self._untold:
                whom = self.whom[0] if self.whom else in_words(self._company)
                tell(f"* {in_short(self._untold.pop(0))} to {whom}.")

    def _is_refused(self, transfer: str) -> bool:
        """Whether all members that are still connected have refused a transfer."""
        return self._knows_all and self._there <= self._refused[transfer]

    def _end_refused(self) -> None:
        """End the transfers that all members still connected have refused."""
        over = {one for one in self.pending & self._refused.keys() if self._is_refused(one)}
        self.pending -= over
        self.failed = self.failed or bool(over)

    @property
    def unfinished(self) -> bool:
        """Whether something was not received."""
        return self.failed or not self._offered or bool(self.pending)


def in_words(company: You) -> str:
    """Those to whom a file is offered."""
    names = [one.name for one in company.others if one.name]
    return f"everybody in {company.room}: {', '.join(names)}" if names else f"everybody who joins {company.room}"
