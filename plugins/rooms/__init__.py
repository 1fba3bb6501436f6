"""Rooms: the server's hub and its members, what the server remembers about keys, and the client's side.

At the server:

hub.py                 who is let in, who leaves, and who is removed
room_list.py           the rooms that there are
room.py                one room: who is in it, what happened, and how all are told
event_log.py           what happened in a room, in order
subscribers.py         what a room needs of those that it tells
outbox.py              when what has happened is kept, acknowledged and sent
history.py             what a file keeps of the rooms
member.py              a member over a connection
member_chat.py         the conversation with it
pace.py                how fast the server reads from it, and what happens if it does not read
budget.py              what it may cost
local_member.py        the server's user as a member
command_member.py      what both have in common: they type commands
remote_peer.py         the key of a peer, its weaknesses, and where it comes from
returning.py           members that may come back
resume.py              how a member that comes back continues
directory.py           the names of those that are here
member_names.py        which names can be taken, and which look alike
introduction.py        what members are told about each other
moderation.py          what is recorded about keys: names, operators, bans, mutes
bans.py                what is recorded about a ban
typed_command.py       a command that was typed, from its name to its answer
command_words.py       its arguments
room_commands.py       the commands for everybody
operator_commands.py   those for operators
signals.py             typing indicators and read receipts

At a client:

room_client.py         a conversation with a room, over as many connections as it takes
room_input.py          what the user says, which is sent or waits
room_chat.py           the conversation over the present connection, and the lines that are kept
reconnecting.py        when to connect again

At both:

room_events.py         what the two sides say to each other, as bytes
item_spans.py          the same, part by part, for a trace
ui_events.py           what happens, as events for a UI
room_view.py           what a user is shown of a room
requests.py            commands that wait for their answers
"""
