"""Words to the service manager: ready, alive, stopping. Silent where none listens.

Protocol: sd_notify(3), datagrams to the socket that NOTIFY_SOCKET names.
"""

import os
import socket


def notify(state: str) -> bool:
    """Sends `READY=1`, `WATCHDOG=1` or `STOPPING=1`; whether a service manager was there to hear it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.sendall(state.encode())
    return True
