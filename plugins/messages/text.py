"""Messages of secure-chat: UTF-8 text, as it was typed."""

from plytalk.core.bases.utf8_messages import TextMessages
from plytalk.core.registry.hookspecs import hookimpl


class Text(TextMessages):
    """UTF-8 text, as it was typed; an empty line is an empty message."""

    name = "text"


@hookimpl
def layers() -> list[type[Text]]:
    return [Text]
