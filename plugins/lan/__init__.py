"""Servers on the local network: multicast DNS (RFC 6762) and DNS-SD (RFC 6763), on one network interface alone."""
