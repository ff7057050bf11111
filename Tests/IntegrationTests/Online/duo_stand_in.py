#!/usr/bin/env python3
"""A stand-in for Duo's Auth API v2: it is NOT Duo, and behaves as Duo's documentation says, as far as tests need it.

Usage: duo_stand_in.py CERTIFICATE KEY. The first line is "ok PORT". Signatures are checked for the fifth version, by
the official client's own functions. The user's name says what happens:

  push...      has a phone; `phone USER allow|deny|fraud|timeout|locked_out|bypass` decides, until then it waits
  code...      has a token; the passcode 123456 is right, once a transaction
  allow... deny... enroll... locked...   what preauth answers

Commands on stdin, each answered with "ok ...":

  phone USER [ANSWER]   without an answer, those of before are forgotten
  fail CODE TIMES       answers the next signed calls so, such as 42901
  clock SECONDS         its clock is so far ahead
  calls                 ok, and the paths that were called since the last time
  shown                 ok, and what the last push would show
  referee PORT CA       ok, when the official client gets through preauth, auth and auth_status by itself
"""
import email.utils
import http.server
import json
import ssl
import sys
import threading
import time
import urllib.parse

import duo_client
from duo_client.client import sign

IKEY, SKEY = "DIXXXXXXXXXXXXXXXXXX", "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
state = {"clock": 0, "fail": (0, 0), "calls": [], "shown": "", "transactions": {}, "phones": {}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, **members):
        body = json.dumps(members).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, code, message):
        self.answer(code // 100, stat="FAIL", code=code, message=message)

    def ok(self, **response):
        self.answer(200, stat="OK", response=response)

    def do_GET(self):
        self.respond("GET", b"")

    def do_POST(self):
        self.respond("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def respond(self, method, body):
        url = urllib.parse.urlsplit(self.path)
        state["calls"].append(url.path)
        now = int(time.time()) + state["clock"]
        if url.path == "/auth/v2/ping":
            return self.ok(time=now)
        parameters = urllib.parse.parse_qs(url.query, strict_parsing=bool(url.query))
        date = self.headers["Date"]
        host = self.headers["Host"].split(":")[0]
        right = sign(IKEY, SKEY, method, host, url.path, date, 5, parameters if method == "GET" else {},
                     body=body.decode())
        if not (self.headers["Authorization"] or "").startswith("Basic "):
            return self.fail(40101, "Missing request credentials")
        if self.headers["Authorization"] != right:
            return self.fail(40103, "Invalid signature in request credentials")
        if abs(email.utils.parsedate_to_datetime(date).timestamp() - now) > 300:
            return self.fail(40105, "Bad request timestamp")
        code, times = state["fail"]
        if times > 0:
            state["fail"] = (code, times - 1)
            return self.fail(code, "As the test wants it")
        if method == "POST":
            parameters = {name: [value] for name, value in json.loads(body).items()}
        self.carry(url.path, {name: values[0] for name, values in parameters.items()}, now)

    def carry(self, path, parameters, now):
        user = parameters.get("username", "")
        if path == "/auth/v2/check":
            self.ok(time=now)
        elif path == "/auth/v2/preauth":
            for result, message in {"allow": "", "deny": "Access denied", "enroll": "Enroll an authentication device",
                                    "locked": "Your account is disabled or locked out"}.items():
                if user.startswith(result):
                    return self.ok(result="deny" if result == "locked" else result, status_msg=message)
            device = {"device": "DPFZRS9FB0D46QFTM891", "type": "phone", "capabilities": ["auto", "push", "mobile_otp"]}
            if user.startswith("code"):
                device = {"device": "DHEKH0JJIYC1LX3AZWO4", "type": "token", "name": "0"}
            self.ok(result="auth", status_msg="Account is active", devices=[device])
        elif path == "/auth/v2/auth":
            if parameters.get("async") != "1":
                return self.fail(40002, "This stand-in is asynchronous only")
            transaction = f"{len(state['transactions']):08x}-0000-4000-8000-{int(time.time() * 1000):012x}"
            right = parameters.get("passcode") == "123456"
            state["transactions"][transaction] = (
                user, None if parameters["factor"] == "push" else "allow" if right else "deny")
            state["shown"] = parameters.get("pushinfo", state["shown"])
            self.ok(txid=transaction)
        elif path == "/auth/v2/auth_status":
            if parameters.get("txid") not in state["transactions"]:
                return self.fail(40002, "Invalid request parameters")
            user, answer = state["transactions"][parameters["txid"]]
            answer = answer or state["phones"].get(user)
            if not answer:
                return self.ok(result="waiting", status="pushed", status_msg="Pushed a login request to your phone...")
            result = "allow" if answer in ("allow", "bypass") else "deny"
            self.ok(result=result, status=answer, status_msg=f"The answer is {answer}.")
        else:
            self.fail(40401, "Resource not found")


def referee(port, ca):
    client = duo_client.Auth(IKEY, SKEY, "localhost", ca_certs=ca, port=int(port))
    assert client.ping()["time"] > 0
    client.check()
    assert client.preauth(username="pushé", ipaddr="192.0.2.1")["result"] == "auth"
    assert client.preauth(username="enroll")["result"] == "enroll"
    transaction = client.auth("passcode", username="code", passcode="123456", async_txn=True)["txid"]
    assert client.auth_status(transaction)["status"] == "allow"
    wrong = duo_client.Auth(IKEY, SKEY[::-1], "localhost", ca_certs=ca, port=int(port))
    try:
        wrong.check()
    except RuntimeError as error:
        assert error.status == 401 and error.data["code"] == 40103
    else:
        raise AssertionError("a wrong key was taken")


def command(name, *rest):
    if name == "phone":
        state["phones"][rest[0]] = rest[1] if len(rest) > 1 else None
    elif name == "fail":
        state["fail"] = (int(rest[0]), int(rest[1]))
    elif name == "clock":
        state["clock"] = int(rest[0])
    elif name == "calls":
        calls, state["calls"] = state["calls"], []
        return " ".join(calls)
    elif name == "shown":
        return state["shown"]
    elif name == "referee":
        referee(*rest)
    else:
        raise ValueError(name)
    return ""


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(*sys.argv[1:3])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ok", server.server_port, flush=True)
for line in sys.stdin:
    try:
        print("ok", command(*line.split()), flush=True)
    except Exception as error:
        print("error", repr(error).replace("\n", " "), flush=True)
