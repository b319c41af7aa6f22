"""`status --watch`: a running agent on a full screen, over a line that may be slow.

`sight` is what is known of the agent, `view` what the person at the keyboard chose to see of it; `screen` draws both
into a `Frame` of cells, and `difference` says which bytes turn the frame that is shown into the one that should be.
All of these are values. `session` alone knows the clock, asks the agent and reads keys; `full_screen` owns the
terminal; `paper` does for one that cannot place its cursor.

It settles because nothing is drawn but a frame against the frame before: what did not change is not written, and while
a slow line is still busy with one frame, the next ones are not drawn at all.
"""
