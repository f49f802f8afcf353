// Has a webhook of `make run` checked by Fintecture's own Node client, unmodified: `make test-clients`.
const base = process.env.BASE_URL || "http://127.0.0.1:3000";
process.env.FINTECTUREAPIURL_DEV = process.env.FINTECTUREOAUTHURL_DEV = base;
const fs = require("fs");
const http = require("http");
const path = require("path");
const { FintectureClient } = require("fintecture-client");

const expect = (what, found, wanted) => {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(found)}`);
  console.log(`ok - ${what}`);
};

const basic = `Basic ${Buffer.from("pk_test_demo:sk_test_demo").toString("base64")}`;
const own = async (method, at, body) => {
  const headers = { authorization: basic, "content-type": "application/json" };
  const answer = await fetch(base + at, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
};

// A merchant's server, and the first webhook that comes to it: its headers and its raw body.
const receiver = async () => {
  let come;
  const webhook = new Promise((resolve) => { come = resolve; });
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    response.end();
    come({ headers: request.headers, body: Buffer.concat(parts).toString() });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { server, webhook, url: `http://127.0.0.1:${server.address().port}/` };
};

(async () => {
  const client = new FintectureClient({
    app_id: "pk_test_demo",
    app_secret: "sk_test_demo",
    private_key: fs.readFileSync(path.join(__dirname, "demo-application.pem"), "utf8"),
    env: "sandbox",
  });
  const token = await client.getAccessToken();
  for (const encoding of ["form", "json"]) {
    const { server, webhook, url } = await receiver();
    const endpoint = await own("POST", "/v2/webhooks", { url, format: "fintecture", encoding });
    const request = { amount: 149.3, currency: "EUR", communication: "Order 7", customer_full_name: "Bob McCheese" };
    const created = await client.getPisConnect(token.access_token, {
      ...request, customer_email: "bob@example.com", redirect_uri: "https://shop.example/back", state: "order 7", country: "fr",
    });
    const { headers, body } = await webhook;
    await own("DELETE", `/v2/webhooks/${endpoint.id}`);
    server.close();
    const read = encoding === "form" ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body);
    expect(`${encoding}: notified`, [read.session_id, read.state, read.event], [
      created.session_id, "order 7", "payment_session.status.provider_required",
    ]);
    expect(`${encoding}: the raw body is accepted`, client.validation.authenticateRequest({ ...headers }, body), true);
    if (encoding === "form") {
      expect("form: so is what it says", client.validation.authenticateRequest({ ...headers }, read), true);
    }
    const refused = (what, changed, said) => {
      let error;
      try { error = client.validation.authenticateRequest({ ...headers, ...changed }, said); } catch (thrown) { error = thrown.message; }
      if (error === true) throw new Error(`${what} was accepted`);
      console.log(`ok - ${encoding}: ${what} is refused`);
    };
    refused("another body", {}, `${body} `);
    refused("another date", { date: "Thu, 01 Jan 1970 00:00:00 GMT" }, body);
    refused("another id", { "x-request-id": "00000000-0000-4000-8000-000000000000" }, body);
  }
})().catch((error) => { console.error(error); process.exit(1); });
