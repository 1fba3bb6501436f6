"""Looking at a recorded conversation: layer by layer, frame by frame.

trace_file.py  a trace on disk
live_trace.py  a trace that is still being written
frames.py      a trace as a list of frames, with what every layer made of each
page.py        the frames as a self-contained page: page.html, page.css, diagram.js, bytes.js
live_page.py   the same page while a conversation goes on
capture.py     the bytes as a capture file that network analysers open
dissector.py   a dissector for that file with the layers' names: dissector.lua
shapes.py      what the messages of a layer have in common, for that
"""
