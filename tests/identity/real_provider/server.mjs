/** A certified OpenID provider on loopback for two minutes: `node server.mjs PORT REDIRECT_ADDRESS`. Any name signs in. */

import { Provider } from "oidc-provider";

const [port, back] = process.argv.slice(2);
const client = { client_id: "portal", client_secret: "the portal's secret there", redirect_uris: [back] };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  findAccount: (_, name) => ({ accountId: name, claims: () => ({ sub: name, email: name, email_verified: true }) }),
  pkce: { required: () => true },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
setTimeout(() => process.exit(), 120_000);
