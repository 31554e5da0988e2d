"""Seals: a Merkle tree over what is stored, in the formats of C2SP, for anyone to verify."""
