// Takes a payment, then refunds a part of it: Node.js 18 or later, no packages. README.md says how to run it.
const { createHmac, timingSafeEqual } = require("node:crypto");
const { on, once } = require("node:events");
const { createServer } = require("node:http");
const { buffer } = require("node:stream/consumers");

const { BASE_URL = "http://127.0.0.1:3000", KEY = "pk_test_demo", SECRET = "sk_test_demo", PORT = "9911" } = process.env;

async function call(method, path, body, more = {}) {
  const credentials = Buffer.from(`${KEY}:${SECRET}`).toString("base64");
  const headers = { Authorization: `Basic ${credentials}`, "Content-Type": "application/json", ...more };
  const answer = await fetch(BASE_URL + path, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${text}`);
  return text && JSON.parse(text);
}

// Whether a webhook is genuine and at most 5 minutes old. Standard Webhooks' header has a signature for each secret
// while one is being replaced; `Banked-Signature` has room for one, the one before.
function isGenuine(headers, body, secret) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures = "" } = headers;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const right = `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64")}`;
  const same = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a, "latin1"), Buffer.from(b, "latin1"));
  const isNew = Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300;
  return isNew && signatures.split(" ").some((signature) => same(signature, right));
}

async function payment(requests, secret) {
  // The key is the order's own: sent again, it is the same session.
  const order = `order-${Date.now()}`;
  const session = await call("POST", "/v2/payment_sessions", {
    reference: "Candles",
    line_items: [{ name: "Candles", amount: 100, currency: "GBP", quantity: 4 }],
    payee: { name: "Gerald Wiley", account_number: "12345678", sort_code: "010203" },
    payer: { name: "Ada Payer", email: "ada@example.com" },
  }, { "Idempotency-Key": order });
  console.log(`Pay at ${session.url}`);

  for await (const [request, response] of requests) {
    const body = await buffer(request).catch(() => ""); // broken off, or not sent within 5 seconds
    const genuine = isGenuine(request.headers, body, secret);
    response.writeHead(genuine ? 204 : 400, { Connection: "close" }).end();
    const event = genuine ? JSON.parse(body) : { type: "what we did not send" };
    console.log(`Received ${event.type}`);
    if (event.type === "payment_session.sent" && event.data.id === session.id) return session;
  }
}

async function main() {
  const server = createServer({ requestTimeout: 5000, connectionsCheckingInterval: 1000 });
  server.listen(Number(PORT), "127.0.0.1");
  await once(server, "listening");
  const requests = on(server, "request");
  const hooks = `http://127.0.0.1:${server.address().port}/hooks`;
  const endpoint = await call("POST", "/v2/webhooks", { url: hooks, events: ["payment_session.sent"] });
  const remove = () => call("DELETE", `/v2/webhooks/${endpoint.id}`);
  process.once("SIGINT", () => remove().finally(() => process.exit(130)));
  console.log(`Webhooks come to ${hooks}`);
  const session = await payment(requests, endpoint.secret).finally(remove);

  // The key is the session's own: however often this is sent, it is one refund.
  const part = { payment_session_id: session.id, amount: 150, reference: "Candles refund" };
  const refund = await call("POST", "/v2/refunds", part, { "Idempotency-Key": `refund-${session.id}` });
  console.log(`Refunded ${refund.amount_formatted}, ${refund.state}`);
}

main().then(() => process.exit(0), (error) => {
  const { cause, message } = error;
  console.error(`Failed: ${cause ? `${BASE_URL} can't be reached: ${cause.code ?? cause.message}` : message}`);
  process.exit(1);
});
