"""Events as plain lines, for a screen on which the user's typed lines stay."""

from plytalk.core.contracts.events import Closed, Event, Joined, Left, Message, Open
from plytalk.core.io.event_lines import lines_of

SEEN = (Message, Joined, Left)
"""The events that their user already sees, because typed lines stay on the screen."""


def plain_lines(event: Event, received: str) -> list[str]:
    """The lines of an event. `received` comes before the messages of another side without a name."""
    if isinstance(event, Message) and event.sender.name is None:
        return [] if event.own else [received + event.text]
    if isinstance(event, SEEN) and event.own and not getattr(event, "private", False):
        return []
    return told_lines(event)


def told_lines(event: Event) -> list[str]:
    """The same, with what the user typed. How a failed conversation ended is told by the command."""
    if isinstance(event, Open):
        end = "" if "feature" in event.stack else " Type exit to end."  # features tell of /help, and stay in a row
        return [f"{line}{end}" for line in lines_of(event)]
    if isinstance(event, Closed) and event.exit_code:
        return []
    return lines_of(event)
