"""Takes a payment, then refunds a part of it: Python 3.9 or later, standard library alone. README.md says how to run it."""
import base64, hmac, json, os, signal, sys, time, urllib.error, urllib.request
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, HTTPServer

BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:3000")
KEY, SECRET = os.environ.get("KEY", "pk_test_demo"), os.environ.get("SECRET", "sk_test_demo")
PORT = os.environ.get("PORT", "9911")


def call(method, path, body=None, more={}):
    credentials = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json", **more}
    body = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(BASE_URL + path, body, headers, method=method)) as answer:
            return json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        sys.exit(f"Failed: {method} {path} was answered with {error.code}: {error.read().decode()}")
    except (OSError, ValueError, HTTPException) as error:
        sys.exit(f"Failed: {BASE_URL} can't be reached: {getattr(error, 'reason', error)}")


def is_genuine(headers, body, secret):
    """Whether a webhook is genuine and at most 5 minutes old. Standard Webhooks' header has a signature for each secret
    while one is being replaced; `Banked-Signature` has room for one, the one before."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = base64.b64decode(secret[len("whsec_"):])
    right = b"v1," + base64.b64encode(hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, "sha256"))
    signatures = headers.get("webhook-signature", "").encode().split(b" ")
    is_ours = any(hmac.compare_digest(signature, right) for signature in signatures)
    return is_ours and abs(time.time() - int(timestamp)) <= 300


class Hooks(BaseHTTPRequestHandler):
    timeout = 5  # seconds, for what a connection doesn't send

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        genuine = is_genuine(self.headers, body, endpoint["secret"])
        self.send_response(204 if genuine else 400)
        self.end_headers()
        event = json.loads(body) if genuine else {"type": "what we did not send"}
        print(f"Received {event['type']}", flush=True)
        if event["type"] == "payment_session.sent":
            paid.append(event["data"]["id"])

    def log_message(self, *_):
        pass


paid = []
signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
try:
    server = HTTPServer(("127.0.0.1", int(PORT)), Hooks)
except (OSError, OverflowError, ValueError) as error:
    sys.exit(f"Failed: can't listen on port {PORT}: {error}")
hooks = f"http://127.0.0.1:{server.server_port}/hooks"
endpoint = call("POST", "/v2/webhooks", {"url": hooks, "events": ["payment_session.sent"]})
try:
    print(f"Webhooks come to {hooks}", flush=True)

    # The key is the order's own: sent again, it is the same session.
    order = f"order-{time.time_ns()}"
    session = call("POST", "/v2/payment_sessions", {
        "reference": "Candles",
        "line_items": [{"name": "Candles", "amount": 100, "currency": "GBP", "quantity": 4}],
        "payee": {"name": "Gerald Wiley", "account_number": "12345678", "sort_code": "010203"},
        "payer": {"name": "Ada Payer", "email": "ada@example.com"},
    }, {"Idempotency-Key": order})
    print(f"Pay at {session['url']}", flush=True)

    while session["id"] not in paid:
        server.handle_request()
finally:
    call("DELETE", f"/v2/webhooks/{endpoint['id']}")

# The key is the session's own: however often this is sent, it is one refund.
part = {"payment_session_id": session["id"], "amount": 150, "reference": "Candles refund"}
refund = call("POST", "/v2/refunds", part, {"Idempotency-Key": f"refund-{session['id']}"})
print(f"Refunded {refund['amount_formatted']}, {refund['state']}", flush=True)
