"""Looking at a recorded conversation: layer by layer, frame by frame.

trace_file.py  a trace on disk
frames.py      a trace as a list of frames, with what every layer made of each
page.py        the frames as a self-contained page
capture.py     the bytes as a capture file that network analysers open
"""
