"""The one table of objects: from it come the text of TONEKEEPER-MIB, what managers are answered, and what is notified.

One file a subject; `table` puts them together.
"""
