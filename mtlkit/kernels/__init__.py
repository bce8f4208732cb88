"""Tensor algorithms without parameters of their own: sequences, the linear chain, message passing, extra losses."""
