"""What the console is made of: the input line, and what is shown above it.

prompts.py             the input line of a terminal
plain.py               the same without any escape sequence
screen_loading.py      when prompt_toolkit is imported
terminal.py            a terminal as prompt_toolkit draws on it
chat_keys.py           what keys do
word_completion.py     what Tab completes
path_completion.py     paths behind /send
company.py             the members and commands that can be completed
local_commands.py      the commands that the console carries out itself
chat_view.py           what a person sees of a conversation
event_rows.py          events as rows, with colours
plain_lines.py         events as plain lines
wrapping.py            text in rows, by the width of each character
name_colours.py        the colour of each speaker
pending_lines.py       own lines that the server has not accepted yet
live_signs.py          typing indicators and read receipts
running_files.py       a bar for each file that is sent or received
attention.py           the bell, the title, and notifications
"""
