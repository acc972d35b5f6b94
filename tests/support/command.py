"""The command line as a process, without the settings of whoever runs the tests."""

import os
import subprocess
import sys


def cepd(*arguments: object) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CEPD_")}
    command = [sys.executable, "-m", "cepd", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=inherited, check=False)
