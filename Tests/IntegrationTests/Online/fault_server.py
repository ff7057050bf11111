#!/usr/bin/env python3
"""Servers that fail in every way, told by lines on stdin: MODE CERTIFICATE KEY [ARGUMENT...], answered with "ok PORT".

  status CODE        answers every request with this status and a page of HTML
  body TEXT          answers 200 with this body, "-" for none
  closes             reads the request and closes the connection
  silent             reads the request and never answers
  slow               answers one byte in a second, for ever
  large LENGTH       answers 200 with so many bytes; "endless" has no length and no end
  flood              answers 200 and headers without an end
  noise              answers what is no HTTP
  stalled            takes the connection and never speaks TLS
  full               takes no connection: its queue is full, so that not even the first packet is answered
  proxy [CODE]       a proxy that tunnels, or refuses by this status
  portal             plain HTTP that sends to a login page, as hotels have
  alters PORT OLD NEW   passes requests on to https://localhost:PORT and changes OLD into NEW in its replies
"""
import http.server
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request

keep = []


def stalled(*_):
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    keep.append(listener)
    return listener.getsockname()[1]


def full(*_):
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    keep.append(listener)
    # The queue holds one more than it says.
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        keep.append(client)
    return port


def shovel(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def handler(mode, argument):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            self.request_body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self):
            self.close_connection = mode != "alters"
            getattr(self, mode)(*argument)

        def reply(self, status, body, kind="application/json"):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if 300 <= status < 400:
                self.send_header("Location", "https://elsewhere.example/")
            self.end_headers()
            self.wfile.write(body)

        def status(self, code):
            self.reply(int(code), b"<html>Sorry</html>", "text/html")

        def do_CONNECT(self):
            self.close_connection = True
            if argument:
                return self.reply(int(argument[0]), b"")
            host, port = self.path.rsplit(":", 1)
            with socket.create_connection((host, int(port))) as other:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=shovel, args=(other, self.connection), daemon=True)
                back.start()
                shovel(self.connection, other)
                back.join()

        def portal(self):
            self.status("302")

        def body(self, *words):
            self.reply(200, b"" if words == ("-",) else " ".join(words).encode())

        def closes(self):
            pass

        def silent(self):
            time.sleep(60)

        def slow(self):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                self.wfile.write(b" ")
                time.sleep(1)

        def large(self, length):
            self.send_response(200)
            if length != "endless":
                self.send_header("Content-Length", length)
            self.end_headers()
            left = 1 << 40 if length == "endless" else int(length)
            while left > 0:
                left -= self.wfile.write(b" " * min(left, 65536))

        def flood(self):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"X: " + b"x" * 1000 + b"\r\n")

        def noise(self):
            self.wfile.write(bytes(range(256)) * 4)

        def alters(self, port, old, new):
            context = ssl._create_unverified_context()
            request = urllib.request.Request(
                f"https://localhost:{port}{self.path}", data=getattr(self, "request_body", None), headers={
                    "Content-Type": self.headers.get("Content-Type", "text/plain")})
            try:
                with urllib.request.urlopen(request, context=context) as reply:
                    status, body = reply.status, reply.read()
            except urllib.error.HTTPError as error:
                status, body = error.code, error.read()
            self.reply(status, body.replace(old.encode(), new.encode()))

    return Handler


def serve(mode, certificate, key, *argument):
    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass  # whoever hung up had reason to

    server = Server(("127.0.0.1", 0), handler(mode, argument))
    if mode not in ("portal", "proxy"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


print("ok", flush=True)
for line in sys.stdin:
    words = line.split()
    try:
        port = {"stalled": stalled, "full": full}.get(words[0], serve)(*words)
        print("ok", port, flush=True)
    except Exception as error:
        print("error", repr(error), flush=True)
