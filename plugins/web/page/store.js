// What this browser keeps for this page alone: the identity, whose private key no script can read, and the keys of servers.

class Store {
  static async open() {
    const store = new Store();
    store.database = await new Promise((resolve) => {
      try {
        const request = indexedDB.open("plytalk", 1);
        request.onupgradeneeded = () => ["identity", "servers"].forEach((name) => request.result.createObjectStore(name));
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => resolve(null); // a window that keeps nothing
      } catch {
        resolve(null);
      }
    });
    return store;
  }

  get keeps() {
    return Boolean(this.database);
  }

  ask(name, mode, question) {
    if (!this.database) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(name, mode);
      const request = question(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  get(name, key) {
    return this.ask(name, "readonly", (store) => store.get(key));
  }

  put(name, key, value) {
    return this.ask(name, "readwrite", (store) => store.put(value, key));
  }

  remove(name, key) {
    return this.ask(name, "readwrite", (store) => store.delete(key));
  }

  /** This browser's identity, made the first time. */
  async identity() {
    const kept = await this.get("identity", "own");
    const keys = kept ?? (await subtle.generateKey("Ed25519", false, ["sign", "verify"]));
    if (!kept) await this.put("identity", "own", keys);
    return Identity.of(keys);
  }
}
