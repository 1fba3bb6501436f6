"""Messages of demo01 and demo02: UTF-8 text without the white space around it."""

from plytalk.core.bases.utf8_messages import TextMessages
from plytalk.core.registry.hookspecs import hookimpl


class Trimmed(TextMessages):
    """UTF-8 text, trimmed; nothing is sent for an empty line."""

    name = "trimmed"

    def prepare(self, text: str) -> str | None:
        return text.strip() or None


@hookimpl
def layers() -> list[type[Trimmed]]:
    return [Trimmed]
