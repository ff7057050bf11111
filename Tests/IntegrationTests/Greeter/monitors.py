"""Gives the screen of an Xvnc the monitors that the arguments name (WIDTHxHEIGHT+X+Y), as a VNC viewer's window over
several monitors does: by SetDesktopSize of RFB (RFC 6143 and its registry of message types)."""

import re
import socket
import struct
import sys

RAW, EXTENDED_DESKTOP_SIZE = 0, -308
SET_ENCODINGS, UPDATE_REQUEST, SET_DESKTOP_SIZE = 2, 3, 251


def main(port, monitors):
    connection = socket.create_connection(("127.0.0.1", int(port)))
    stream = connection.makefile("rb")

    def read(layout):
        return struct.unpack(layout, stream.read(struct.calcsize(layout)))

    connection.sendall(stream.read(12))
    stream.read(*read(">B"))
    connection.sendall(b"\1")
    if read(">I") != (0,):
        sys.exit("the server wants a password")
    connection.sendall(b"\1")
    width, height = read(">HH")
    bytes_a_pixel = read(">16s")[0][0] // 8
    stream.read(*read(">I"))
    connection.sendall(struct.pack(">BxHii", SET_ENCODINGS, 2, RAW, EXTENDED_DESKTOP_SIZE))
    connection.sendall(struct.pack(">BBHHHH", UPDATE_REQUEST, 0, 0, 0, 1, 1))

    def answer(wanted):
        """Waits for the size of the desktop, told for a reason."""
        while True:
            (kind,) = read(">B")
            if kind != 0:
                sys.exit(f"unexpected message {kind}")
            (count,) = read(">xH")
            for _ in range(count):
                reason, status, w, h, encoding = read(">HHHHi")
                if encoding == RAW:
                    stream.read(w * h * bytes_a_pixel)
                else:
                    (screens,) = read(">B3x")
                    stream.read(16 * screens)
                    if reason == wanted:
                        return status
            connection.sendall(struct.pack(">BBHHHH", UPDATE_REQUEST, 1, 0, 0, 1, 1))

    answer(0)
    areas = [tuple(map(int, re.split("[x+]", monitor))) for monitor in monitors]
    connection.sendall(
        struct.pack(
            ">BxHHBx", SET_DESKTOP_SIZE, max(x + w for w, _, x, _ in areas), max(y + h for _, h, _, y in areas), len(areas)
        )
    )
    for number, (w, h, x, y) in enumerate(areas):
        connection.sendall(struct.pack(">IHHHHI", number, x, y, w, h, 0))
    connection.sendall(struct.pack(">BBHHHH", UPDATE_REQUEST, 1, 0, 0, 1, 1))
    status = answer(1)
    if status:
        sys.exit(f"refused with status {status}")


main(sys.argv[1], sys.argv[2:])
