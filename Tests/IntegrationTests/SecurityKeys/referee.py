"""A relying party of python3-fido2, a foreign implementation: registers a key and authenticates with it.

Usage: referee.py NODE ROOT [PIN]

ROOT is the certificate, PEM, that attestations have to lead to. Prints a line of what was seen; whatever the standards
forbid ends it with an exception.
"""

import sys

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fido2.client import Fido2Client
from fido2.hid import CtapHidDevice
from fido2.server import AttestationVerifier, Fido2Server

node, root = sys.argv[1:3]
pin = sys.argv[3] if len(sys.argv) > 3 else None
seen = {}


class Verifier(AttestationVerifier):
    def ca_lookup(self, result, auth_data):
        seen["attestation"] = result.attestation_type.name
        with open(root, "rb") as file:
            return [x509.load_pem_x509_certificate(file.read()).public_bytes(Encoding.DER)]


devices = {device.descriptor.path: device for device in CtapHidDevice.list_devices()}
client = Fido2Client(devices[node], "https://referee.example")
seen["versions"] = ",".join(client.info.versions)
server = Fido2Server(
    {"id": "referee.example", "name": "Referee"}, attestation="direct", verify_attestation=Verifier()
)
verification = "required" if pin else "discouraged"

options, state = server.register_begin({"id": b"alice", "name": "alice"}, user_verification=verification)
made = client.make_credential(options["publicKey"], pin=pin)
registered = server.register_complete(state, made.client_data, made.attestation_object)
seen["format"] = made.attestation_object.fmt
credentials = [registered.credential_data]

counters = []
for _ in range(3):
    options, state = server.authenticate_begin(credentials, user_verification=verification)
    answer = client.get_assertion(options["publicKey"], pin=pin).get_response(0)
    server.authenticate_complete(
        state, credentials, answer.credential_id, answer.client_data, answer.authenticator_data, answer.signature
    )
    counters.append(answer.authenticator_data.counter)
assert counters == sorted(set(counters)), counters

# Whoever is not that relying party gets nothing.
other = Fido2Server({"id": "other.example", "name": "Other"})
options, state = other.authenticate_begin(credentials, user_verification=verification)
try:
    Fido2Client(devices[node], "https://other.example").get_assertion(options["publicKey"], pin=pin)
except Exception as error:
    seen["elsewhere"] = type(error).__name__
else:
    raise AssertionError("signed for another relying party")
print(" ".join(f"{name}={value}" for name, value in sorted(seen.items())))
