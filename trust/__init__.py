"""What this user knows of keys: identities, known hosts, authorized keys, contacts, and the files that hold them."""
