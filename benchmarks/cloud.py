"""The lab's cloud alone, in a process of its own: prints its endpoint and nonce, ends with its input."""

from __future__ import annotations

import json
import sys

from quorate.lab.cloud import Cloud

cloud = Cloud()
cloud.start()
print(json.dumps({"endpoint": cloud.endpoint, "nonce": cloud.nonce}), flush=True)
sys.stdin.read()
cloud.stop()
