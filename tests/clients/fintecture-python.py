# Runs Fintecture's own Python client, unmodified, against `make run`: `make test-clients`. Only its base URL is another.
import os
import urllib.error
import urllib.parse
import urllib.request
import uuid

import fintecture

BASE = os.environ.get("BASE_URL", "http://127.0.0.1:3000")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo-application.pem")) as pem:
    PRIVATE_KEY = pem.read()

fintecture.app_id = "pk_test_demo"
fintecture.app_secret = "sk_test_demo"
fintecture.sandbox_api_base = BASE


def expect(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}: {found!r}")
    print(f"ok - {what}")


def refused(what, kind, call):
    try:
        call()
    except kind as error:
        return error
    raise SystemExit(f"{what} was not refused by {kind.__name__}")


class NotFollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def page(path, **form):
    """Where a page of the payer's leads to, with a form if there is one."""
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        return urllib.request.build_opener(NotFollowed).open(BASE + path, data).headers["Location"]
    except urllib.error.HTTPError as error:
        if error.code not in (302, 303):
            raise
        return error.headers["Location"]


def pay(session_id):
    """Pays at the mock bank, as a payer; what their way back says."""
    own = uuid.UUID(session_id)
    page(f"/checkout/{own}/bank", bank="mock-bank", attempt="1")
    page(f"/mock-bank/{own}/1", decision="approve")
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page(f"/checkout/{own}/return")).query))


def request(amount="149.3"):
    # The client's README, with a currency that the demo merchant has an account in.
    return {
        "meta": {
            "psu_name": "Bob McCheese",
            "psu_email": "bob.mccheese@example.com",
            "psu_address": {"street": "Main St.", "number": "123", "zip": "75000", "city": "Paris", "country": "FR"},
        },
        "data": {"type": "PIS", "attributes": {"amount": amount, "currency": "EUR", "communication": "Thanks mom!"}},
    }


def rounds():
    """As the sandbox takes them: not signed, then signed; signed alone where that is asked for."""
    return [True] if os.environ.get("SIGNED") == "1" else [False, True]


for signed in rounds():
    how = "signed" if signed else "not signed"
    fintecture.access_token = None
    fintecture.private_key = PRIVATE_KEY if signed else None
    token = fintecture.PIS.oauth()
    expect(f"{how}: token", [token["token_type"], token["expires_in"]], ["Bearer", 3600])
    fintecture.access_token = token["access_token"]

    # A state with a space, which the client signs before its HTTP library encodes it.
    created = fintecture.PIS.connect(state="order 7", redirect_uri="https://shop.example/back", language="fr", **request())
    session_id = created["meta"]["session_id"]
    expect(f"{how}: connect", created["meta"]["code"], "connect_initiated")
    expect(f"{how}: the checkout", created["meta"]["url"], f"{BASE}/checkout/{uuid.UUID(session_id)}")
    payment = fintecture.Payment.retrieve(session_id)
    expect(f"{how}: retrieve", [payment.meta.status, payment.data.id], ["provider_required", session_id])
    attributes = payment.data.attributes
    expect(f"{how}: as it was sent", [attributes.amount, attributes.currency, payment.meta.language], ["149.3", "EUR", "fr"])
    expect(f"{how}: the way back", pay(session_id), {
        "session_id": session_id, "status": "payment_created", "state": "order 7", "provider": "mock-bank",
    })
    payment = fintecture.Payment.retrieve(session_id)
    expect(f"{how}: paid", [payment.meta.status, payment.data.transfer_state], ["payment_created", "completed"])

    part = payment.refund(data={"attributes": {"amount": "49.30", "communication": "Sorry"}})
    expect(f"{how}: refund a part", [part["meta"]["refunded_session_id"], part["data"]["type"]], [session_id, "Refund"])
    rest = fintecture.PIS.initiate_refund(state="order 7", meta={"session_id": session_id})
    expect(f"{how}: refund the rest", rest["data"]["attributes"]["amount"], "100.00")
    too_much = refused("a refund of nothing", fintecture.error.BadRequestError, lambda: payment.refund())
    expect(f"{how}: refund no more", too_much.errors[0]["code"], "refund_aborted")

    link = fintecture.PIS.request_to_pay("https://shop.example/back", language="fr", state="bill-7", **request())
    expect(f"{how}: request to pay", [link["meta"]["status"], link["meta"]["code"]], [201, "request_to_pay_initiated"])
    smart = fintecture.PIS.connect(state="order-8", with_virtualbeneficiary=True, **request())
    expect(f"{how}: virtual beneficiary", smart["virtual_beneficiary"]["iban"][:2], "FR")
    asked = fintecture.Payment.retrieve(link["meta"]["session_id"])
    expect(f"{how}: its type", asked.data.type, "RequestToPay")
    cancelled = asked.update(status="payment_cancelled")
    expect(f"{how}: cancel", cancelled["meta"]["status"], "payment_cancelled")

    listed = fintecture.Payment.search(**{"page[size]": 2})
    newest = [smart["meta"]["session_id"], link["meta"]["session_id"]]
    expect(f"{how}: list", [one["meta"]["session_id"] for one in listed["data"]], newest)
    older = fintecture.Payment.list(**{"page[size]": 1, "page[number]": 3})
    expect(f"{how}: list by number", older["data"][0]["id"], session_id)

    banks = fintecture.Provider.search(**{"filter[country]": "FR", "sort[name]": "asc"})
    expect(f"{how}: banks", {one["attributes"]["country"] for one in banks["data"]}, {"FR"})
    tried = fintecture.TestAccount.search()
    expect(f"{how}: test accounts", tried["data"][0]["attributes"]["provider"], "mock-bank")
    application = fintecture.Application.retrieve()
    expect(f"{how}: application", [application.data.id, application.data.attributes.environment], ["pk_test_demo", "sandbox"])
    expect(f"{how}: settlements", fintecture.PIS.settlements()["data"], [])
    refused("a settlement", fintecture.error.NotFoundError, lambda: fintecture.PIS.settlements(settlement_id="8e1f"))
    stale = refused(
        "a refresh token", fintecture.error.BadRequestError, lambda: fintecture.OAuth.refresh_token(refresh_token="x")
    )
    expect(f"{how}: no refresh token", [stale.code, stale.errors[0]["code"]], ["bad_request", "bad_request"])

    wrong = refused(
        "a bad amount", fintecture.error.BadRequestError, lambda: fintecture.PIS.connect(state="7", **request("149,30"))
    )
    expect(f"{how}: bad amount", [wrong.code, wrong.errors[0]["code"], wrong.errors[0]["title"]],
           ["bad_request", "invalid_field", "data.attributes.amount"])
    unknown = refused("an unknown id", fintecture.error.NotFoundError, lambda: fintecture.Payment.retrieve("0" * 32))
    expect(f"{how}: unknown id", unknown.errors[0]["code"], "session_id_invalid_or_expired")
    fintecture.access_token = "nonsense"
    stranger = refused("no token", fintecture.error.AuthorizationError, lambda: fintecture.Payment.retrieve(session_id))
    expect(f"{how}: no token", [stranger.http_status, stranger.errors[0]["code"]], [401, "invalid_token"])
