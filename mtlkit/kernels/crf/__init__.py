"""The linear chain of a CRF: likelihood with gradients of its own, decoding, and the plain reference."""
