"""Writes a loss that falls towards a floor which the distance of x from 0.3 sets, slowly enough to be watched."""

import json
import signal
import sys
import time

x, folder, steps = float(sys.argv[1]), sys.argv[2], int(sys.argv[3])
pause = float(sys.argv[4]) if len(sys.argv) > 4 else 0.03
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
with open(folder + "/logs/metrics.jsonl", "a", buffering=1) as log:
    for step in range(1, steps + 1):
        if stopped:
            sys.exit(3)
        log.write(json.dumps({"step": step, "eval_loss": abs(x - 0.3) + 1 / step}) + "\n")
        time.sleep(pause)
