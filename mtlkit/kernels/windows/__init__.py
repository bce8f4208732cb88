"""A convolution over the characters of words and the maximum over its windows: a plain form, and one for CPUs."""
