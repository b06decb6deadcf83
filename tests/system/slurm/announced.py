#!/usr/bin/env python3
"""Says what the kernel announces of a folder: announced.py FOLDER.

Prints `watching`, then the name of every file that inotify(7) reports as created, until standard input closes.
"""

import ctypes
import os
import select
import struct
import sys

CREATE = 0x100

libc = ctypes.CDLL(None, use_errno=True)
handle = libc.inotify_init1(os.O_NONBLOCK)
if handle < 0 or libc.inotify_add_watch(handle, sys.argv[1].encode(), CREATE) < 0:
    sys.exit(f"announced.py: {os.strerror(ctypes.get_errno())}")
print("watching", flush=True)
while True:
    ready, _, _ = select.select([handle, sys.stdin], [], [])
    if sys.stdin in ready:
        break
    events = os.read(handle, 65536)
    while events:
        _, _, _, length = struct.unpack_from("iIII", events)
        print(events[16 : 16 + length].rstrip(b"\0").decode(), flush=True)
        events = events[16 + length :]
