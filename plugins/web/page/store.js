// What this browser keeps for this page alone: the identity, whose private key no script can read, and the keys of servers.

class Store {
  keeps = true; // false in a window that keeps nothing

  opened = new Promise((resolve, reject) => {
    const request = indexedDB.open("plytalk", 1);
    request.onupgradeneeded = () => ["identity", "servers"].forEach((name) => request.result.createObjectStore(name));
    request.onsuccess = () => resolve(request.result);
    request.onerror = reject;
  });

  /** What a method of IndexedDB's store of this name gives; nothing in a window that keeps nothing. */
  async ask(name, method, ...given) {
    try {
      const transaction = (await this.opened).transaction(name, "readwrite"), request = transaction.objectStore(name)[method](...given);
      await new Promise((oncomplete, onabort) => Object.assign(transaction, { oncomplete, onabort }));
      return request.result;
    } catch {
      this.keeps = false;
    }
  }

  /** This browser's identity, made the first time. */
  async identity() {
    const kept = await this.ask("identity", "get", "own");
    const keys = kept ?? (await subtle.generateKey("Ed25519", false, ["sign", "verify"]));
    if (!kept) await this.ask("identity", "put", keys, "own");
    return Identity.of(keys);
  }
}
