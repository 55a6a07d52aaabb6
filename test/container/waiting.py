"""Sends many requests at once, each on a connection of its own, and counts the answers.

    python3 waiting.py HOST PORT COUNT BYTES

BYTES is the length of each request's head. Prints "sent" when all are sent, then the count of each
status line as JSON.
"""

import collections
import json
import resource
import selectors
import socket
import sys


def main():
    host, port, count, size = sys.argv[1], *map(int, sys.argv[2:])
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit, count + 100), max(limit, count + 100)))
    start = f"GET / HTTP/1.1\r\nhost: {host}\r\nx-fill: "
    head = (start + "f" * (size - len(start) - 4) + "\r\n\r\n").encode()
    assert len(head) == size
    statuses = collections.Counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(count):
            connection = socket.create_connection((host, port), 30)
            connection.sendall(head)
            selector.register(connection, selectors.EVENT_READ)
        print("sent", flush=True)
        while selector.get_map():
            ready = selector.select(60)
            if not ready:
                break
            for key, _ in ready:
                try:
                    statuses[key.fileobj.recv(65536).partition(b"\r\n")[0].decode()] += 1
                except OSError as error:
                    statuses[repr(error)] += 1
                selector.unregister(key.fileobj)
                key.fileobj.close()
        statuses["no answer"] = len(selector.get_map())
    print(json.dumps({status: number for status, number in statuses.items() if number}))


main()
