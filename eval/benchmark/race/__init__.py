"""Our networks and files of others timed in turns: same image, same threads, labels out."""
