// Runs Banked's own Node client, unmodified, against `make run`: `make test-clients`. Only its base URL is another.
const base = process.env.BASE_URL || "http://127.0.0.1:3000";
const axios = require("axios");
const create = axios.create;
axios.create = (config) => create({ ...config, baseURL: `${base}/api/v2` });
const Banked = require("@banked/node");

const expect = (what, found, wanted) => {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(found)}`);
  console.log(`ok - ${what}`);
};

(async () => {
  const banked = new Banked({ api_key: "pk_test_demo", secret_key: "sk_test_demo" });
  // The client's README, with a linked account of the demo merchant's.
  const request = (price) => ({
    reference: "Banked NodeSDK",
    success_url: "https://example.com/success",
    error_url: "https://example.com/error",
    line_items: [{ name: "A line item name", currency: "GBP", description: "A line item description", quantity: 1, ...price }],
    payee: { name: "Example Ltd.", account_number: "12345678", sort_code: "010203" },
  });
  for (const price of [{ amount: 1267 }, { amount_cents: 1267 }]) {
    const created = await banked.payments.create(request(price));
    expect(`create with ${Object.keys(price)}`, [created.status, created.data.amount, created.data.line_items[0].amount_cents], [201, 1267, 1267]);
    const id = created.data.id;
    const read = await banked.payments.read(id);
    expect("read", [read.status, read.data], [200, created.data]);
    expect("delete", (await banked.payments.delete(id)).status, 204);
    const gone = await banked.payments.read(id).catch((error) => error.response.status);
    expect("read what was deleted", gone, 404);
  }
  const banks = await banked.providers.read();
  const first = { id: "mock-bank", name: "Mock Bank", logo: null, status: "AVAILABLE", supports_batch: false };
  expect("read the banks", [banks.status, banks.data[0]], [200, first]);
})().catch((error) => {
  console.error(error.response ? error.response.data : error);
  process.exit(1);
});
