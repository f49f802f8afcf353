// Runs Fintecture's own Node client, unmodified, against `make run`: `make test-clients`. Only its base URLs are others.
const base = process.env.BASE_URL || "http://127.0.0.1:3000";
process.env.FINTECTUREAPIURL_DEV = process.env.FINTECTUREOAUTHURL_DEV = base;
const fs = require("fs");
const path = require("path");
const { FintectureClient } = require("fintecture-client");

const expect = (what, found, wanted) => {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(found)}`);
  console.log(`ok - ${what}`);
};

const refused = async (call) => (await call.then((found) => { throw new Error(JSON.stringify(found)); }, (error) => error)).response;

// Where a page of the payer's leads to, with a form if there is one.
const page = async (at, form) => {
  const sent = form ? { method: "POST", body: new URLSearchParams(form) } : {};
  return (await fetch(base + at, { ...sent, redirect: "manual" })).headers.get("location");
};

// Pays at the mock bank, as a payer; what their way back says.
const pay = async (sessionId) => {
  const own = sessionId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  await page(`/checkout/${own}/bank`, { bank: "mock-bank", attempt: "1" });
  await page(`/mock-bank/${own}/1`, { decision: "approve" });
  return Object.fromEntries(new URL(await page(`/checkout/${own}/return`)).searchParams);
};

(async () => {
  const client = new FintectureClient({
    app_id: "pk_test_demo",
    app_secret: "sk_test_demo",
    private_key: fs.readFileSync(path.join(__dirname, "demo-application.pem"), "utf8"),
    env: "sandbox",
  });
  const token = await client.getAccessToken();
  expect("token", [token.token_type, token.expires_in], ["Bearer", 3600]);
  // The client's README, with a currency that the demo merchant has an account in. Its amount is a number.
  const config = {
    amount: 149.3,
    currency: "EUR",
    communication: "Thanks mom!",
    customer_full_name: "Bob McCheese",
    customer_email: "bob.mccheese@example.com",
    customer_ip: "127.0.0.1",
    customer_address: { street: "Main St.", number: "123", zip: "75000", city: "Paris", country: "FR" },
    redirect_uri: "https://shop.example/back",
    origin_uri: "https://shop.example/basket",
    state: "order 7",
    country: "fr",
    psu_type: "retail",
    language: "fr",
  };
  const created = await client.getPisConnect(token.access_token, config);
  const id = created.session_id;
  expect("connect", [id.length, new URL(created.url).pathname.startsWith("/checkout/")], [32, true]);
  const payment = await client.getPayments(token.access_token, id);
  const { meta, data } = payment;
  expect("retrieve", [meta.session_id, meta.status, data.type], [id, "provider_required", "PayByBank"]);
  expect("as it was sent", [data.attributes.amount, meta.psu_type, meta.country, meta.origin_uri],
    ["149.3", "retail", "FR", "https://shop.example/basket"]);
  expect("the way back", await pay(id), { session_id: id, status: "payment_created", state: "order 7", provider: "mock-bank" });
  const paid = await client.getPayments(token.access_token, id);
  expect("paid", [paid.meta.status, paid.data.transfer_state], ["payment_created", "completed"]);

  const other = await client.getPisConnect(token.access_token, { ...config, state: "order-8" });
  const listed = await client.getPayments(token.access_token, null, { page: { size: 2 } });
  expect("list", listed.data.map((one) => one.meta.session_id), [other.session_id, id]);
  const older = await client.getPayments(token.access_token, null, { "page[size]": 1, "page[number]": 2 });
  expect("list by number", older.data.map((one) => one.id), [id]);

  const refund = await client.initiateRefund(token.access_token, id);
  expect("refund", [refund.meta.refunded_session_id, refund.data.attributes.amount], [id, "149.30"]);
  const again = await refused(client.initiateRefund(token.access_token, id));
  expect("refund no more", [again.status, again.data.errors[0].code], [400, "refund_aborted"]);

  // Without credentials, as this client asks.
  const banks = await client.getProviders({ "filter[country]": "FR", "filter[pis]": "sepa", "sort[full_name]": "asc" });
  expect("banks", [...new Set(banks.data.map((one) => one.attributes.country))], ["FR"]);
  const tried = await client.getTestAccounts({ "sort[provider]": "asc" });
  expect("test accounts", tried.data[0].attributes.provider, "mock-bank");
  const application = await client.getApplication();
  expect("application", [application.data.id, application.data.attributes.environment], ["pk_test_demo", "sandbox"]);
  const stale = await refused(client.refreshAccessToken("x"));
  expect("no refresh token", [stale.status, stale.data.errors[0].code], [400, "bad_request"]);

  const wrong = await refused(client.getPisConnect(token.access_token, { ...config, amount: 0.123 }));
  expect("bad amount", [wrong.status, wrong.data.code, wrong.data.errors[0].code, wrong.data.errors[0].title],
    [400, "bad_request", "invalid_field", "data.attributes.amount"]);
  const unknown = await refused(client.getPayments(token.access_token, "0".repeat(32)));
  expect("unknown id", [unknown.status, unknown.data.errors[0].code], [404, "session_id_invalid_or_expired"]);
  const stranger = await refused(client.getPayments("nonsense", id));
  expect("no token", [stranger.status, stranger.data.errors[0].code], [401, "invalid_token"]);
})().catch((error) => {
  console.error(error.response ? error.response.data : error);
  process.exit(1);
});
