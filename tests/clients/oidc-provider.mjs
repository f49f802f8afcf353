// Runs a command beside an issuer of OpenID Connect, npm's oidc-provider, unmodified: `make test-oidc`. The command finds it by
// OIDC_ISSUER_URL. Everybody may sign in there, and is an admin.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const client = {
  client_id: "console",
  // `local` leaves the reference where CloudFormation would put the secret.
  client_secret: "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-2:000000000000:secret:oidc-AbCdEf}}",
  // Of a native client the port doesn't count: each test has its own.
  application_type: "native",
  redirect_uris: ["http://127.0.0.1/console/oidc/callback"],
  require_auth_time: true,
};

const server = createServer().listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [client],
    pkce: { required: () => true },
    cookies: { keys: ["only for tests"] },
    claims: { openid: ["sub", "cognito:groups"], email: ["email", "email_verified"] },
    // Claims are in the ID token, where the console reads them, not at UserInfo alone.
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@demo.example`,
        email_verified: true,
        "cognito:groups": ["everybody", "admins"],
      }),
    }),
  });
  server.on("request", provider.callback());
  const [command, ...args] = process.argv.slice(2);
  const running = spawn(command, args, { stdio: "inherit", env: { ...process.env, OIDC_ISSUER_URL: issuer } });
  running.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  });
  running.on("exit", (code) => process.exit(code ?? 1));
});
