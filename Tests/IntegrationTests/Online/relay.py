#!/usr/bin/env python3
"""A way to a server on loopback that can be cut: relay.py PORT. The first line is "ok PORT", its own.

Commands on stdin, each answered with "ok":

  down          nothing listens any more, and what is under way is cut
  up            as before
  flap COUNT    down and up again so often, for moments of random length, the last one long enough to log in
"""
import random
import socket
import sys
import threading
import time

target = int(sys.argv[1])
lock = threading.Lock()
listener = None
open_sockets = set()


def shovel(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def carry(client):
    try:
        server = socket.create_connection(("127.0.0.1", target))
    except OSError:
        client.close()
        return
    with lock:
        open_sockets.update((client, server))
    back = threading.Thread(target=shovel, args=(server, client), daemon=True)
    back.start()
    shovel(client, server)
    back.join()
    with lock:
        open_sockets.difference_update((client, server))
    client.close()
    server.close()


def accept(socket):
    while True:
        try:
            client, _ = socket.accept()
        except OSError:
            return
        threading.Thread(target=carry, args=(client,), daemon=True).start()


def up(port):
    global listener
    if listener:
        return
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    threading.Thread(target=accept, args=(listener,), daemon=True).start()


def down():
    global listener
    if not listener:
        return
    # Closed alone, it would go on for the thread that waits in it.
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    listener = None
    with lock:
        for present in open_sockets:
            try:
                present.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


up(0)
port = listener.getsockname()[1]
print("ok", port, flush=True)
for line in sys.stdin:
    name, *rest = line.split()
    if name == "down":
        down()
    elif name == "up":
        up(port)
    elif name == "flap":
        for _ in range(int(rest[0])):
            down()
            time.sleep(random.uniform(0, 0.15))
            up(port)
            time.sleep(random.uniform(0, 0.15))
        time.sleep(4)
    print("ok", flush=True)
