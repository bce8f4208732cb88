"""Upper bounds on labels and words, enforced before training and when an archive is opened, and on texts to answer."""

MAX_LABELS = 2**16
"""The maximum number of labels of a task."""
MAX_ALL_LABELS = 2**22
"""The maximum number of labels of all tasks together."""
MAX_WORDS = 2**23
"""The maximum number of words in the vocabulary: four times as many as the largest published vectors have. A short word
takes 160 bytes of memory when it is read, so the limit is below 1.5 GB.
"""
LONGEST_ANSWERED, LONGEST_EXPLAINED = 20_000, 5_000
"""The largest number of words of a text that `predict` answers and `explain` explains, unless the task's `max_length`
cuts its texts. Time grows with the square of it if each step reads all positions, and so do explanations.
"""
