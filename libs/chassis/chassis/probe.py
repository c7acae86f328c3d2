"""`python -S probe.py PORT PATH`: ends well when that path is answered with 200 there.

For an engine of containers, which asks every few seconds: light, and without a shell or any package.
"""

import socket
import sys


def answers(port: int, path: str, timeout_s: float = 3.0) -> bool:
    """Whether that path of this machine's port is answered with 200 in time."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            with connection.makefile("rb") as answer:
                return answer.readline().split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if answers(int(sys.argv[1]), sys.argv[2]) else 1)
