"""The demo is what it says: real alerts, a real curl line, and it ends by itself with 0."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path


def test_the_demo_shows_alerts_and_its_curl_line_acknowledges_one(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CEPD_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "cepd", "demo", "--seconds", "15"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment, "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    seen = []
    acknowledged = None
    with process.stdout:
        for line in process.stdout:
            seen.append(line)
            found = re.search(r"curl -X POST (\S+)/ack$", line.rstrip())
            if found and acknowledged is None:
                event = found.group(1)
                request = urllib.request.Request(f"{event}/ack", method="POST")
                with urllib.request.urlopen(request, timeout=10) as answer:
                    assert answer.status == 200
                with urllib.request.urlopen(event.rsplit("/", 1)[0], timeout=10) as answer:
                    alerts = json.load(answer)["events"]
                acknowledged = {alert["event_id"] for alert in alerts if alert["ack"] == "ACK"}
                assert acknowledged == {event.rsplit("/", 1)[1]}
    output = "".join(seen)
    assert process.wait(30) == 0, output
    assert acknowledged, output
    assert "ALERT" in output
    assert "got (signed):" in output, "the receiver shows what the channel got"
    assert re.search(r"\d+ alerts of \d+ firings, 1 acknowledged", output)
