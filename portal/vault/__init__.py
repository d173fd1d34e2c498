"""Keys and everything encrypted under them. A person's data is readable exactly as long as their key exists.

Fields: AES-256-GCM, with table, column and row as associated data, so that a ciphertext moved elsewhere does not open.
Serves GDPR Art. 32(1)(a) and makes Art. 17 hold for backups, which carry no data keys.
"""

from portal.vault import files, spool
from portal.vault.blobs import claim_blob, drop_blob, drop_expired_blobs, drop_unclaimed, read_blob, store_ahead, store_blob
from portal.vault.fields import Place, Tampered
from portal.vault.keys import (
    Key,
    Shredded,
    end_at,
    ended,
    ends_of,
    find_key,
    key_by_id,
    key_for,
    keys_for,
    keys_of,
    make_keys,
    shred,
)
from portal.vault.lasting import blind, one_time_code_hash
from portal.vault.links import open_link, seal_link
from portal.vault.master import new_secret, signing_seed
from portal.vault.rotation import check_master_key, rotate, rotating

__all__ = [
    "Key",
    "Place",
    "Shredded",
    "Tampered",
    "blind",
    "check_master_key",
    "claim_blob",
    "drop_blob",
    "drop_expired_blobs",
    "drop_unclaimed",
    "end_at",
    "ended",
    "ends_of",
    "files",
    "find_key",
    "key_by_id",
    "key_for",
    "keys_for",
    "keys_of",
    "make_keys",
    "new_secret",
    "one_time_code_hash",
    "open_link",
    "read_blob",
    "rotate",
    "rotating",
    "seal_link",
    "shred",
    "signing_seed",
    "spool",
    "store_ahead",
    "store_blob",
]
