"""Recurrences as torch's higher-order `scan`, for exported programs, whose texts have any number of words."""
