"""The reserved days of children: everything that changes them goes through `changing.py`."""
