// The beginning: what this browser can do, what the user asks for, and the question about a server's key.

const IS_FILE = !document.currentScript.src; // all in one file, as `chat page` writes it: the server is elsewhere

async function start() {
  const can = await abilities();
  if (!can.agrees) {
    return refuse(
      isSecureContext
        ? "This browser lacks X25519 or Ed25519 in WebCrypto. Chromium and Chrome from 137 on, Firefox from 130 on and Safari from 17 on have them."
        : "A browser lets a page encrypt only over https, or from this machine: ask the person who runs the server for an https address.",
    );
  }
  const store = await Store.open(), identity = await store.identity();
  describe(store, identity, can);
  byId("enter").onsubmit = (event) => {
    event.preventDefault();
    byId("fault").hidden = true;
    join_(store, identity, can);
  };
}

function refuse(sentence) {
  byId("fault").textContent = sentence;
  byId("fault").hidden = false;
  byId("enter").querySelector("button").disabled = true;
}

function describe(store, identity, can) {
  byId("own").textContent = identity.fingerprint;
  byId("kept").textContent = store.keeps ? "That key stays in this browser, and no page can read it out." : "This window keeps no key: you are somebody new each time.";
  byId("address-field").hidden = !IS_FILE;
  byId("where").textContent = IS_FILE ? "Join a room." : `Join a room at ${location.host}.`;
  byId("trust").textContent = IS_FILE
    ? "This page is a file: it does what the file says, so it is as good as the person or the program that you have it from."
    : `${location.host} serves this page, and the party that serves a page decides what it does: another page could send what you type anywhere. If you do not trust it, use the program, or a page that you have as a file (chat page).`;
  byId("classical").checked = byId("classical").disabled = !can.hybrid;
}

function join_(store, identity, can) {
  const value = (id) => byId(id).value.trim();
  const address = IS_FILE ? value("address") : `${location.protocol.replace("http", "ws")}//${location.host}/ws`;
  const wanted = { address, room: value("room"), name: value("name"), code: value("code").toLowerCase().split(/[\s-]+/).join("-"), ...can };
  wanted.classical = byId("classical").checked;
  const screen = new Screen((kept) => keep(address, kept));
  const member = new RoomMember(screen, identity, wanted, (key) => judge(store, member.wanted, key), earlier(address));
  listen(member);
  member.run();
}

function keep(address, kept) {
  try {
    sessionStorage.setItem("plytalk", JSON.stringify({ address, ...kept }));
  } catch {
    // a window that keeps nothing
  }
}

function earlier(address) {
  try {
    const kept = readObject(sessionStorage.getItem("plytalk") ?? "");
    return kept.address === address ? kept : {};
  } catch {
    return {};
  }
}

/** Whether this is the server's key: it is remembered at first use, and another one is refused. A code proves it as well. */
async function judge(store, { address, code }, key) {
  const shown = await fingerprintOf(key), known = await store.get("servers", address);
  if (shown === known || code) return;
  if (known) {
    throw new Fault(`${address} shows the key ${shown}, and not ${known}, which is remembered here: someone may be between you, or the server has a new key. Ask the person who runs it, not in this chat.`, { asks: "changed" });
  }
  if (!(await ask(address, shown))) throw new Fault("You said no to the server's key.");
  await store.put("servers", address, shown);
}

function ask(address, shown) {
  const dialog = byId("ask");
  byId("explanation").textContent = `The key of ${address} is not known yet. Its fingerprint is:`;
  byId("shown").textContent = shown;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => (dialog.onclose = () => resolve(dialog.returnValue === "yes")));
}

function listen(member) {
  const line = byId("line"), send = () => {
    for (const one of line.value.split("\n")) if (one.trim()) member.say(one);
    line.value = "";
  };
  byId("write").onsubmit = (event) => (event.preventDefault(), send());
  line.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) event.preventDefault(), send();
  };
  byId("leave").onclick = () => member.leave();
  byId("people").onclick = () => {
    const isOpen = byId("members").classList.toggle("open");
    byId("people").setAttribute("aria-expanded", isOpen);
  };
  addEventListener("online", () => member.hurry?.());
}

start();
