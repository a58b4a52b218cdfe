// Passkeys: a button asks the server for a challenge, the device answers it, the answer goes back. Buttons stay
// hidden where the browser knows no passkeys; everything has another way without them.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

function toText(buffer) {
  let raw = "";
  for (const byte of new Uint8Array(buffer)) raw += String.fromCharCode(byte);
  return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

// The options come as JSON with bytes in base64url (WebAuthn §5.1.8, for browsers that do not read it themselves).
function decode(options) {
  const key = { ...options.publicKey, challenge: toBytes(options.publicKey.challenge) };
  if (key.user) key.user = { ...key.user, id: toBytes(key.user.id) };
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    if (key[list]) key[list] = key[list].map((c) => ({ ...c, id: toBytes(c.id) }));
  }
  return { publicKey: key };
}

function encode(credential) {
  const { response } = credential;
  const out = {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: { clientDataJSON: toText(response.clientDataJSON) },
  };
  if (credential.authenticatorAttachment) out.authenticatorAttachment = credential.authenticatorAttachment;
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[part]) out.response[part] = toText(response[part]);
  }
  if (response.getTransports) out.response.transports = response.getTransports();
  return out;
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(json.message || "");
  return json;
}

function tell(button, message) {
  const near = button.closest("[data-passkey-box], form, section, main");
  const status = near?.querySelector("[data-passkey-status]") || document.querySelector("[data-passkey-status]");
  if (!status) return;
  status.textContent = message;
  status.hidden = message === "";
}

async function run(button) {
  const { passkey, begin, finish, next, nameField, cancelled, failed } = button.dataset;
  tell(button, "");
  button.disabled = true;
  try {
    const { ceremony, options } = await post(begin, {});
    let credential;
    try {
      const asked = decode(options);
      credential = passkey === "create" ? await navigator.credentials.create(asked) : await navigator.credentials.get(asked);
    } catch {
      tell(button, cancelled);
      return;
    }
    const name = nameField ? document.getElementById(nameField).value : "";
    const done = await post(finish, { ceremony, credential: encode(credential), name, next });
    location.assign(done.next);
  } catch (error) {
    tell(button, error.message || failed);
  } finally {
    button.disabled = false;
  }
}

export function setUpPasskeys() {
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  for (const part of document.querySelectorAll("[data-passkey], [data-passkey-box]")) part.hidden = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-passkey]");
    if (button) run(button);
  });
}
