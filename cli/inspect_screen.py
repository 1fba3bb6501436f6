"""`chat inspect` on a terminal: the stepper's lines, drawn by prompt_toolkit."""

import asyncio

from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl

from plytalk.cli.stepper import Stepper
from plytalk.core.contracts.errors import Usage
from plytalk.core.io.display import wants_colour
from plytalk.lab.inspect.live_trace import PAUSE, LiveTrace

NAMES = {"c-m": "enter", "c-i": "tab", "c-h": "backspace"}
ESCAPE = 0.05
"""After how many seconds an Escape that nothing follows is the key."""


def show(stepper: Stepper, live: LiveTrace | None = None) -> None:
    """Step through a trace until the user quits; through a live one while it grows. Raises Usage."""
    bindings = KeyBindings()

    @bindings.add(Keys.Any)
    @bindings.add(Keys.ControlC)
    def press(event: KeyPressEvent) -> None:
        pressed = event.key_sequence[0].key
        name = pressed.value if isinstance(pressed, Keys) else pressed
        if not stepper.press(NAMES.get(name, name)):
            event.app.exit()

    def text() -> StyleAndTextTuples:
        size = app.output.get_size()
        lines = stepper.lines(size.columns, size.rows)
        return [(style if wants_colour() or style == "reverse" else "", f"{line}\n") for style, line in lines]

    control = FormattedTextControl(text, focusable=True, show_cursor=False)
    layout = Layout(Window(control, always_hide_cursor=True))
    app: Application[None] = Application(layout, key_bindings=bindings, full_screen=True)
    app.ttimeoutlen = ESCAPE

    async def follow(live: LiveTrace) -> None:
        try:
            while not live.over:
                if found := live.more():
                    stepper.add(found)
                    app.invalidate()
                await asyncio.sleep(0 if found else PAUSE)
        except Usage as error:
            app.exit(exception=error)
            return
        stepper.live = False
        app.invalidate()

    def begin() -> None:
        if live:
            app.create_background_task(follow(live))

    app.run(pre_run=begin)
