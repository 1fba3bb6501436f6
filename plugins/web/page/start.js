// The beginning: what this browser can do, what the user asks for, and the question about a server's key.

const IS_FILE = !document.currentScript.src; // all in one file, as `chat page` writes it: the server is elsewhere
const ADDRESS = `${location.protocol.replace("http", "ws")}//${location.host}/ws`;
const value = (id) => byId(id).value.trim();

async function start() {
  const can = await abilities();
  if (!can.agrees) {
    show("fault");
    return fill("fault", subtle ? "This browser lacks X25519 or Ed25519: Chromium has both from version 137 on." : "A browser encrypts only over https or on this machine: ask for an https address.");
  }
  const store = await Store.open(), identity = await store.identity();
  fill("own", identity.fingerprint);
  fill("kept", store.database ? "It stays in this browser, and no page can read it out." : "This window keeps nothing: you are somebody new each time.");
  fill("server", IS_FILE ? "You have this page as a file: trust it as far as you trust the person that you have it from." : `${location.host} serves this page, and the party that serves a page decides what it does. If you do not trust it with what you say, use the program chat, or this page as a file (chat page).`);
  show("address-field", IS_FILE);
  byId("classical").checked = byId("classical").disabled = !can.hybrid;
  show("form");
  byId("form").onsubmit = (event) => {
    event.preventDefault();
    show("fault", false);
    enter(store, identity, can);
  };
}

function enter(store, identity, can) {
  const address = IS_FILE ? value("address") : ADDRESS;
  const wanted = { ...can, address, room: value("room"), name: value("name"), code: value("code").toLowerCase().split(/[\s-]+/).join("-"), classical: byId("classical").checked };
  byId("code").value = "";
  const screen = new Screen((kept) => keep({ ...kept, address }));
  const member = new RoomMember(screen, identity, wanted, (key) => judge(store, wanted, key), earlier(address));
  listen(member);
  member.run();
}

/** Kept for this window alone: to come back as the same member when the page is loaded again. */
function keep(kept) {
  try {
    sessionStorage.plytalk = JSON.stringify(kept);
  } catch {
    // a window that keeps nothing
  }
}

function earlier(address) {
  try {
    const kept = readObject(sessionStorage.plytalk);
    return kept.address === address ? kept : {};
  } catch {
    return {};
  }
}

/**
 * Whether this is the server's key: it is remembered at first use, and another one is refused. A code proves a key as well, and so
 * does a link that has the fingerprint behind a `#`.
 */
async function judge(store, { address, code }, key) {
  const shown = await fingerprintOf(key), known = await store.get("servers", address);
  const named = !IS_FILE && location.hash.startsWith("#SHA256:") && location.hash.slice(1);
  if (code || shown === (named || known)) return named && store.put("servers", address, shown);
  if (named) throw new Fault(`This server shows the key ${shown}, and not the one in the address of this page: someone may be between you.`);
  if (known) {
    byId("forget").onclick = () => store.remove("servers", address).then(() => show("forget", false));
    throw new Fault(`${address} shows the key ${shown}, and not ${known}, which it had before: someone may be between you, or the server has a new key. Ask the person who runs it, but not here.`, { asks: "forget" });
  }
  fill("shown", shown);
  byId("ask").returnValue = "";
  byId("ask").showModal();
  await new Promise((resolve) => (byId("ask").onclose = resolve));
  if (byId("ask").returnValue !== "yes") throw new Fault("You said no to the server's key.");
  await store.put("servers", address, shown);
}

function listen(member) {
  const line = byId("line");
  const send = (event) => {
    event.preventDefault();
    for (const one of line.value.split("\n")) if (one.trim()) run(member, one);
    line.value = "";
  };
  byId("write").onsubmit = send;
  line.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  };
  byId("leave").onclick = () => member.leave();
  byId("people").onclick = ({ target }) => target.setAttribute("aria-expanded", byId("members").classList.toggle("open"));
  ononline = () => member.hurry?.();
}

/** A line, or one of the two commands that this page carries out itself. */
function run(member, line) {
  if (line.trim() === "/quit") member.leave();
  else if (line.trim() === "/clear") byId("log").replaceChildren();
  else member.say(line);
}

start();
