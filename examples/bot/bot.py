"""A bot over JSON lines: it greets newcomers, answers `!who`, and echoes what is said to it by name.

python bot.py connect HOST --name robby --reconnect
"""

import json
import subprocess
import sys

chat = subprocess.Popen(
    ["chat", *sys.argv[1:], "--ui", "jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
)


def send(**order: object) -> None:
    print(json.dumps(order), file=chat.stdin, flush=True)


name = ""
for event in map(json.loads, chat.stdout):
    match event:
        case {"type": "you", "sender": {"name": name}}:  # also after a forced rename
            pass
        case {"own": True} | {"replayed": True}:  # what the bot said itself, and what was said before it came
            pass
        case {"type": "joined", "sender": sender}:
            send(type="message", text=f"Welcome, {sender['name']}.")
        case {"type": "message", "text": "!who"}:
            send(type="command", command="who", request="who")
        case {"type": "message", "text": text} if name and text.startswith(f"{name}: "):
            send(type="message", text=text.removeprefix(f"{name}: "))
        case {"type": "result", "request": "who", "data": members}:
            send(type="message", text=f"Here: {', '.join(member['name'] for member in members)}.")
sys.exit(chat.wait())
