# Has a webhook of `make run` checked by Fintecture's own Python client, unmodified: `make test-clients`.
import base64
import http.server
import json
import os
import queue
import threading
import time
import urllib.parse
import urllib.request

# The client reads a date in GMT as one of this host.
os.environ["TZ"] = "UTC"
time.tzset()

import fintecture  # noqa: E402

BASE = os.environ.get("BASE_URL", "http://127.0.0.1:3000")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo-application.pem")) as pem:
    fintecture.private_key = pem.read()

fintecture.app_id = "pk_test_demo"
fintecture.app_secret = "sk_test_demo"
fintecture.sandbox_api_base = BASE

RECEIVED = queue.Queue()


def expect(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}: {found!r}")
    print(f"ok - {what}")


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        RECEIVED.put((dict(self.headers.items()), body.decode()))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def own(method, path, body=None):
    """A request to the API that no wire format has."""
    credentials = base64.b64encode(b"pk_test_demo:sk_test_demo").decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    request = urllib.request.Request(BASE + path, json.dumps(body).encode() if body else None, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


def construct(said, headers):
    headers = {name.lower(): value for name, value in headers.items()}
    return fintecture.Webhook.construct_event(said, headers["digest"], headers["signature"], headers["x-request-id"])


def refused(what, said, headers):
    try:
        construct(said, headers)
    except fintecture.error.SignatureVerificationError:
        print(f"ok - {what} is refused")
        return
    raise SystemExit(f"{what} was accepted")


receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
endpoint = own("POST", "/v2/webhooks", {"url": f"http://127.0.0.1:{receiver.server_port}/", "format": "fintecture"})
fintecture.access_token = fintecture.PIS.oauth()["access_token"]
created = fintecture.PIS.connect(
    state="order-7",
    redirect_uri="https://shop.example/back",
    meta={"psu_name": "Bob McCheese"},
    data={"type": "PIS", "attributes": {"amount": "149.3", "currency": "EUR", "communication": "Order 7"}},
)
headers, body = RECEIVED.get(timeout=30)
own("DELETE", f"/v2/webhooks/{endpoint['id']}")
# The client writes a form of its own, and so is to be given what the body says, in its order.
said = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
event = construct(said, headers)
expect("a form is accepted", [event.session_id, event.state, event.type, event.event], [
    created["meta"]["session_id"], "order-7", "PayByBank", "payment_session.status.provider_required",
])
refused("another status", {**said, "status": "payment_created"}, headers)
refused("one field more", {**said, "more": "1"}, headers)
refused("another id", said, {**headers, "x-request-id": "00000000-0000-4000-8000-000000000000"})
refused("a signature by another key", said, {**headers, "signature": headers["signature"].replace('signature="', 'signature="AA')})
