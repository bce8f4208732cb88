"""C++ sources, and building them into libraries on first use."""
