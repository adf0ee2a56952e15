# An OAuth 1.0a provider on loopback, to ride against. Whether a request is signed rightly, and what a token, a nonce or
# a clock must look like, oauthlib says; here is only what it asks to be remembered. Any user name signs in.
#
#   /usr/bin/python3 server.py     prints "ready http://127.0.0.1:<port>" and stays in the foreground
#
# Settings, all by environment:
#   PORT=0                         0 takes a free port
#   CLIENT_KEY, CLIENT_SECRET      the one client; the key is 20 to 30 letters and digits
#   RSA_KEY                        a file with its private key in PEM, for RSA-SHA1
#   SIGNATURE_METHOD=HMAC-SHA1     the only one that is taken
#   CALLBACKS="…"                  the callbacks to accept, separated by spaces
#
# Below /api/ each request says what has arrived; /api/me also who is asking. For the test that started it there are:
#   GET /__counts                  how often each thing happened, as JSON
#   GET /__secrets                 every value handed out or received that must not be seen elsewhere
import json
import os
import threading
from collections import Counter
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import serialization
from oauthlib.oauth1 import RequestValidator, WebApplicationServer
from oauthlib.oauth1.rfc5849.errors import OAuth1Error

CLIENT_KEY = os.environ["CLIENT_KEY"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]
CALLBACKS = os.environ["CALLBACKS"].split()

counts = Counter(temporary=0, denied=0, token=0, api=0, refused=0)
secrets = {CLIENT_SECRET: "client secret"}


def rsa_public_key():
    with open(os.environ["RSA_KEY"], "rb") as file:
        key = serialization.load_pem_private_key(file.read(), password=None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


class Memory(RequestValidator):
    """What oauthlib wants to know, with its own rules for lengths, letters and clocks."""

    enforce_ssl = False  # loopback
    allowed_signature_methods = (os.environ.get("SIGNATURE_METHOD", "HMAC-SHA1"),)
    # Asked for in place of what is unknown, so that guessing takes as long as knowing.
    dummy_client = dummy_request_token = dummy_access_token = "nobody"
    realms = []

    def __init__(self):
        super().__init__()
        self.temporary = {}
        self.granted = {}
        self.nonces = set()

    # The client.

    def validate_client_key(self, client_key, request):
        return client_key == CLIENT_KEY

    def get_client_secret(self, client_key, request):
        return CLIENT_SECRET

    def get_rsa_key(self, client_key, request):
        return rsa_public_key()

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri in CALLBACKS

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, request_token=None, access_token=None):
        if nonce in self.nonces:
            return False
        self.nonces.add(nonce)
        return True

    # Temporary credentials.

    def save_request_token(self, token, request):
        self.temporary[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "callback": request.redirect_uri}
        secrets[token["oauth_token"]] = "temporary token"
        secrets[token["oauth_token_secret"]] = "temporary secret"

    def verify_request_token(self, token, request):
        return token in self.temporary

    def validate_request_token(self, client_key, token, request):
        return token in self.temporary

    def get_request_token_secret(self, client_key, token, request):
        return self.temporary.get(token, {}).get("secret", "")

    def get_redirect_uri(self, token, request):
        return self.temporary[token]["callback"]

    def save_verifier(self, token, verifier, request):
        self.temporary[token]["verifier"] = verifier["oauth_verifier"]
        secrets[verifier["oauth_verifier"]] = "verifier"

    def validate_verifier(self, client_key, token, verifier, request):
        return bool(verifier) and self.temporary.get(token, {}).get("verifier") == verifier

    def invalidate_request_token(self, client_key, request_token, request):
        del self.temporary[request_token]

    # The token.

    def save_access_token(self, token, request):
        user = self.temporary[request.resource_owner_key]["user"]
        self.granted[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "user": user}
        secrets[token["oauth_token"]] = "token"
        secrets[token["oauth_token_secret"]] = "token secret"

    def validate_access_token(self, client_key, token, request):
        return token in self.granted

    def get_access_token_secret(self, client_key, token, request):
        return self.granted.get(token, {}).get("secret", "")

    # Realms, of which there are none.

    def get_default_realms(self, client_key, request):
        return []

    def get_realms(self, token, request):
        return []

    def validate_requested_realms(self, client_key, realms, request):
        return not realms

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return not realms


memory = Memory()
judge = WebApplicationServer(memory)
# One request at a time: neither the memory nor the counts are made for two.
turn = threading.Lock()

PAGE = """<!DOCTYPE html><title>Authorize</title><form method="post" action="/authorize">
<input type="hidden" name="oauth_token" value="{token}"><input name="user">
<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>"""


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def take(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        with turn:
            if url.path == "/temporary" and self.command == "POST":
                self.judged("temporary", judge.create_request_token_response)
            elif url.path == "/authorize" and self.command == "GET":
                self.ask_the_person(dict(parse_qsl(url.query)).get("oauth_token"))
            elif url.path == "/authorize" and self.command == "POST":
                self.hear_the_person(dict(parse_qsl(self.body.decode())))
            elif url.path == "/token" and self.command == "POST":
                self.judged("token", judge.create_access_token_response)
            elif url.path.startswith("/api/"):
                self.api(url)
            elif url.path in ("/__counts", "/__secrets"):
                self.answer(200, json.dumps(counts if url.path == "/__counts" else secrets), "application/json")
            else:
                self.answer(404, "")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = take

    def signed(self):
        """The request as oauthlib wants to have it."""
        return f"http://{self.headers['Host']}{self.path}", self.command, self.body.decode(), dict(self.headers)

    def judged(self, what, create):
        headers, body, status = create(*self.signed())
        counts[what if status == 200 else "refused"] += 1
        self.answer(status, body or "", headers.get("Content-Type", "text/plain"))

    def ask_the_person(self, token):
        if token in memory.temporary:
            self.answer(200, PAGE.format(token=escape(token)), "text/html")
        else:
            self.answer(400, "no such token")

    def hear_the_person(self, form):
        token = form.get("oauth_token")
        if token not in memory.temporary:
            self.answer(400, "no such token")
        elif form.get("decision") == "allow":
            memory.temporary[token]["user"] = form["user"]
            query = urlencode({"oauth_token": token})
            headers, _, status = judge.create_authorization_response(f"http://{self.headers['Host']}/authorize?{query}")
            self.answer(status, "", location=headers["Location"])
        else:
            # As X says no.
            counts["denied"] += 1
            callback = memory.temporary.pop(token)["callback"]
            self.answer(302, "", location=f"{callback}?{urlencode({'denied': token})}")

    def api(self, url):
        try:
            valid, request = judge.validate_protected_resource_request(*self.signed())
        except OAuth1Error:
            valid = False
        counts["api" if valid else "refused"] += 1
        if not valid:
            return self.answer(401, "")
        user = memory.granted[request.resource_owner_key]["user"]
        said = {"method": self.command, "path": url.path, "query": parse_qsl(url.query, keep_blank_values=True)}
        said["body"] = self.body.decode()
        if url.path == "/api/me":
            said |= {"id": user, "name": f"{user} of Loopback"}
        self.answer(200, json.dumps(said), "application/json")

    def answer(self, status, body, content_type="text/plain", location=None):
        body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Door)
server.daemon_threads = True
print(f"ready http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
