"""How many labels and words there may be: more are refused before training, and in an archive."""

MAX_LABELS = 2**16
"""Of a task."""
MAX_WORDS = 2**23
"""Of the vocabulary: four times those of the largest published vectors. Reading a short word takes 160 bytes of memory,
so all of them take less than 1.5 GB."""
