#!/usr/bin/env python3
"""A real privacyIDEA server on loopback, and the phones of its users, told by lines on stdin.

Usage: privacyidea_server.py FOLDER CERTIFICATE KEY, by the Python of tools/online-servers; FOLDER is a copy of its
template. The first line is "ok PORT". Each command is answered with "ok ..." or "error ...":

  user NAME                           a user of the default realm
  hotp|totp NAME SECRET [PIN]         a token by its hex secret; ok SERIAL
  hotp8 NAME SECRET                   one with codes of eight digits
  spass NAME                          a token that always says yes; ok SERIAL
  push NAME                           a push token and a phone that holds it; ok SERIAL
  phone SERIAL accept|decline         the phone answers the open challenge, once there is one
  policy NAME SCOPE ACTION            sets a policy
  nopolicy NAME
  disable|enable SERIAL
  failures SERIAL                     ok FAILCOUNT
  counter SERIAL                      ok NUMBER of codes that a counter token has seen
  patience SERIAL COUNT               how many failures lock the token
  forget NAME                         the user is removed
  polls                               ok NUMBER of times that somebody has asked whether a phone has answered
"""
import base64
import datetime
import logging
import os
import ssl
import sys
import threading
import time

folder, certificate, key = sys.argv[1:4]
with open(f"{folder}/pi.cfg", "w") as file:
    file.write(f"""
SUPERUSER_REALM = ['super']
SQLALCHEMY_DATABASE_URI = 'sqlite:///{folder}/pi.db'
SECRET_KEY = 'test'
PI_PEPPER = 'test'
PI_ENCFILE = '{folder}/enckey'
PI_AUDIT_KEY_PRIVATE = '{folder}/private.pem'
PI_AUDIT_KEY_PUBLIC = '{folder}/public.pem'
PI_LOGFILE = '{folder}/pi.log'
""")
os.environ["PRIVACYIDEA_CONFIGFILE"] = f"{folder}/pi.cfg"

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from privacyidea.app import create_app
from werkzeug.serving import WSGIRequestHandler, make_server

# Answers go to the stdout of before; whatever the server prints goes with its errors.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
logging.getLogger("werkzeug").setLevel(logging.ERROR)

app = create_app(config_name="production", config_file=f"{folder}/pi.cfg", silent=True)
client = app.test_client()
phones = {}
# Without a subscription the server refuses plugins, FreeRADIUS among them, at random where more than 50 users have
# tokens. So those of users of long ago are deleted.
most_users = 40
users = []


def call(method, path, token=None, **data):
    headers = {"Authorization": token} if token else {}
    where = {"query_string": data} if method == "get" else {"json": data}
    reply = getattr(client, method)(path, headers=headers, **where).get_json()
    if not reply["result"]["status"]:
        raise RuntimeError(f"{path}: {reply['result']['error']}")
    return reply


admin = call("post", "/auth", username="admin", password="admin")["result"]["value"]["token"]
open(f"{folder}/passwd", "a").close()
call("post", "/resolver/people", admin, type="passwdresolver", fileName=f"{folder}/passwd")
call("post", "/realm/home", admin, resolvers="people")
call("post", "/defaultrealm/home", admin)
call("post", "/policy/phones", admin, scope="enrollment",
     action="push_firebase_configuration=poll only, push_registration_url=https://localhost/ttype/push")


def user(name):
    users.append(name)
    while len(users) > most_users:
        for old in call("get", "/token/", admin, user=users.pop(0))["result"]["value"]["tokens"]:
            call("delete", f"/token/{old['serial']}", admin)
    with open(f"{folder}/passwd", "a") as file:
        file.write(f"{name}:x:{1000 + os.fstat(file.fileno()).st_size}:1000:{name},,,,:/home/{name}:/bin/sh\n")


def otp(kind, name, secret, pin="", digits=6):
    return call("post", "/token/init", admin, type=kind, user=name, otpkey=secret, pin=pin,
                otplen=digits)["detail"]["serial"]


def spass(name):
    return call("post", "/token/init", admin, type="spass", user=name)["detail"]["serial"]


def push(name):
    # The roll-out in two steps, the second one by the phone.
    detail = call("post", "/token/init", admin, type="push", user=name, genkey=1)["detail"]
    phone = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = phone.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    call("post", "/ttype/push", serial=detail["serial"], fbtoken="none",
         enrollment_credential=detail["enrollment_credential"],
         pubkey=base64.urlsafe_b64encode(public).decode())
    phones[detail["serial"]] = phone
    return detail["serial"]


def signed(serial, text):
    return base64.b32encode(phones[serial].sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def phone(serial, answer):
    # As the app does: it asks for challenges until there is one, then answers it.
    while True:
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        challenges = call("get", "/ttype/push", serial=serial, timestamp=now,
                          signature=signed(serial, f"{serial}|{now}"))["result"]["value"]
        if challenges:
            break
        time.sleep(0.05)
    nonce = challenges[-1]["nonce"]
    if answer == "decline":
        call("post", "/ttype/push", serial=serial, nonce=nonce, decline=1,
             signature=signed(serial, f"{nonce}|{serial}|decline"))
    else:
        call("post", "/ttype/push", serial=serial, nonce=nonce, signature=signed(serial, f"{nonce}|{serial}"))


def policy(name, scope, action):
    call("post", f"/policy/{name}", admin, scope=scope, action=action, realm="", active=True)


def nopolicy(name):
    call("delete", f"/policy/{name}", admin)


def disable(serial):
    call("post", "/token/disable", admin, serial=serial)


def enable(serial):
    call("post", "/token/enable", admin, serial=serial)


def token(serial):
    return call("get", "/token/", admin, serial=serial)["result"]["value"]["tokens"][0]


def patience(serial, count):
    call("post", "/token/set", admin, serial=serial, max_failcount=int(count))


def forget(name):
    users.remove(name)
    with open(f"{folder}/passwd") as file:
        lines = file.readlines()
    with open(f"{folder}/passwd", "w") as file:
        # As long as before, since the ids of later users follow from it.
        file.writelines("-" * len(name) + line[len(name):] if line.startswith(f"{name}:") else line for line in lines)


polls = 0


def counted(environment, start):
    global polls
    polls += environment["PATH_INFO"] == "/validate/polltransaction"
    return app(environment, start)


commands = {"user": user, "spass": spass, "push": push, "phone": phone, "polls": lambda: polls,
            "policy": policy, "nopolicy": nopolicy, "disable": disable, "enable": enable, "patience": patience, "forget": forget,
            "failures": lambda serial: token(serial)["failcount"], "counter": lambda serial: token(serial)["count"],
            "hotp": lambda *rest: otp("hotp", *rest), "totp": lambda *rest: otp("totp", *rest),
            "hotp8": lambda name, secret: otp("hotp", name, secret, digits=8)}

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
WSGIRequestHandler.log = lambda *_: None
server = make_server("127.0.0.1", 0, counted, threaded=True, ssl_context=context)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ok", server.server_port, file=answers)
for line in sys.stdin:
    name, *rest = line.split()
    try:
        result = commands[name](*rest)
        print("ok" if result is None else f"ok {result}", file=answers)
    except Exception as error:
        print("error", repr(error).replace("\n", " "), file=answers)
