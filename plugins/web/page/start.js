// The beginning: what this browser can do, what the user asks for, and the question about a server's key.

const IS_FILE = typeof Files !== "undefined"; // all in one file, as `chat page` writes it: the server is elsewhere
const value = (id) => byId(id).value.trim();

async function start() {
  const can = await abilities();
  if (!can.agrees) return refuse(subtle ? "This browser lacks X25519 or Ed25519: Chromium 137 has both." : "Ask for an https address: only there does a browser encrypt.");
  const store = new Store(), identity = await store.identity();
  fill("own", identity.fingerprint);
  if (!store.keeps) fill("kept", "This window forgets it.");
  show(IS_FILE ? "address-field" : "served");
  for (const one of ["address", "room", "name"]) byId(one).value = kept[one] ?? "";
  byId("classical").disabled = !can.hybrid;
  byId("classical").checked = kept.classical ?? !can.hybrid;
  show("form");
  byId("form").onsubmit = (event) => {
    event.preventDefault();
    show("fault", false);
    connecting(true);
    enter(store, identity, can);
  };
  if (kept.instance) byId("join").click(); // the page was loaded again
}

function enter(store, identity, can) {
  const link = new URL(value("address"), location), address = String(URL.parse("ws", link)).replace(/^http/, "ws");
  const typed = value("code").toLowerCase(), isKey = /^[\da-f]{64}$/.test(typed), code = isKey ? "" : typed.replace(/[\s-]+/g, "-");
  const wanted = { ...can, classical: byId("classical").checked, address, room: value("room"), name: value("name"), code, secret: isKey && fromHex(typed) };
  const screen = new Screen((known) => (kept = { ...known, address, classical: wanted.classical }));
  const isSame = ["address", "room", "name"].every((one) => kept[one] === wanted[one]);
  const member = new RoomMember(screen, identity, wanted, (key) => judge(store, wanted, link.hash || location.hash, key), isSame && kept);
  byId("code").value = "";
  member.files = filesOf(member, screen);
  listen(member);
  member.run();
}

/** Does something with this member's files, in order. What they need is loaded with the first of them. */
function filesOf(member, screen) {
  let files;
  const load = async () => {
    if (typeof Files === "undefined") {
      await new Promise((onload, onerror) => document.head.append(Object.assign(element("script"), { src: "files.js", onload, onerror })));
    }
    return new Files(member, screen);
  };
  const fail = () => {
    files = null; // the next one tries again
    throw cut();
  };
  return (step) => (files ??= load().catch(fail)).then(step);
}

/**
 * What this window keeps while the page is loaded again, to come back as the same member. It is not kept while the page is open: a
 * window that is made out of this one would be the same member too, and the server lets only one of them be there.
 */
let kept = {};
try {
  kept = objectIn(sessionStorage.plytalk);
  sessionStorage.clear();
  onpagehide = () => (sessionStorage.plytalk = JSON.stringify(kept));
} catch {
  // a window that keeps nothing
}

/**
 * Whether this is the server's key: it is remembered at first use, and another one is refused. A code proves a key as well, and so
 * does a link that has the fingerprint behind a `#`.
 */
async function judge(store, { address, code }, hash, key) {
  const shown = await fingerprintOf(key), named = decodeURIComponent(hash.slice(1)), known = named || (await store.ask("servers", "get", address));
  if (!code && known && known !== shown) {
    byId("forget").onclick = () => store.ask("servers", "delete", address).then(() => show("forget", false));
    throw new Fault(`The server shows the key ${shown}, and not ${known} as ${named ? "this link has it" : "before"}: someone may be between you. Ask the person who runs it, but not here.`, { asks: named ? "name" : "forget" });
  }
  if (!code && !known) {
    const dialog = byId("ask");
    fill("shown", shown);
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((resolve) => (dialog.onclose = resolve));
    if (dialog.returnValue !== "yes") throw new Fault("You said no to the server's key.");
  }
  if (!code) await store.ask("servers", "put", shown, address);
}

function listen(member) {
  const line = byId("line");
  const send = (event) => {
    event.preventDefault();
    if (line.value.trim()) run(member, line.value.trimEnd());
    line.value = "";
  };
  byId("write").onsubmit = send;
  line.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  };
  byId("attach").onclick = () => byId("file").click();
  byId("file").onchange = ({ target }) => {
    const to = line.value.match(/^\/msg (\S+)/)?.[1]; // the line says to whom
    for (const file of target.files) member.files((files) => files.send(file, to)).catch((fault) => member.view.tell(fault.message, "fault"));
    target.value = "";
    if (to) line.value = "";
  };
  byId("leave").onclick = () => member.leave();
  byId("people").onclick = ({ target }) => (target.ariaExpanded = byId("members").classList.toggle("open"));
  ononline = onfocus = () => member.hurry?.();
}

/** A line, or one of the two commands that this page carries out itself. Why it leaves, the server tells the others. */
function run(member, line) {
  const command = line.trim();
  if (command === "/clear") return byId("log").replaceChildren();
  if (/^\/(send|accept|decline|cancel|transfers)\b/.test(command)) return member.view.tell("Files have buttons here: File, Receive, Take back.", "fault");
  const quits = /^\/quit( |$)/.test(command);
  if (command !== "/quit") member.say(quits ? command : line);
  if (quits) member.leave();
}

start().catch((fault) => refuse(fault.message));
