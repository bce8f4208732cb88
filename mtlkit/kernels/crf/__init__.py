"""The linear-chain CRF: likelihood with hand-written gradients, decoding, and the plain reference."""
