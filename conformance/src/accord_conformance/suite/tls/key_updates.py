"""A peer that updates its keys and demands the same of the other side, as TLS 1.3 allows at any time (RFC 8446, 4.6.3).

Python's ``ssl`` can't be told to do that. So the peer's records are made here, with the secret that the SSL object
writes into its log; what comes back is read by the SSL object, which notices if it is wrong.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from .pairs import Peer

HANDSHAKE, DATA = 22, 23
KEY_UPDATE_REQUESTED = bytes([24, 0, 0, 1, 1])


class KeyUpdater:
    """Makes the records that a server sends after its handshake, in place of the server's SSL object.

    :param log: the file that the server's context has as ``keylog_filename``. The server must have sent no tickets.
    """

    def __init__(self, peer: Peer, log: Path) -> None:
        cipher = peer.tls.cipher()
        assert cipher is not None
        self._hash = "sha384" if cipher[0].endswith("SHA384") else "sha256"
        self._cipher = ChaCha20Poly1305 if "CHACHA20" in cipher[0] else AESGCM
        self._key_size = 16 if "AES_128" in cipher[0] else 32
        lines = [line.split() for line in log.read_text().splitlines()]
        self._secret = bytes.fromhex(next(line[2] for line in lines if line[0] == "SERVER_TRAFFIC_SECRET_0"))
        self._sent = 0

    def _expand(self, label: bytes, size: int) -> bytes:
        label = b"tls13 " + label
        info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
        return hmac.new(self._secret, info + b"\1", self._hash).digest()[:size]

    def record(self, content: bytes, kind: int = DATA) -> bytes:
        """Return the next record, encrypted."""
        inner = content + bytes([kind])
        header = bytes([DATA, 3, 3]) + (len(inner) + 16).to_bytes(2, "big")
        nonce = int.from_bytes(self._expand(b"iv", 12), "big") ^ self._sent
        self._sent += 1
        return header + self._cipher(self._expand(b"key", self._key_size)).encrypt(
            nonce.to_bytes(12, "big"), inner, header
        )

    def key_update(self) -> bytes:
        """Return the record that says that the next one has new keys, and demands the same."""
        record = self.record(KEY_UPDATE_REQUESTED, HANDSHAKE)
        self._secret = self._expand(b"traffic upd", hashlib.new(self._hash).digest_size)
        self._sent = 0
        return record
