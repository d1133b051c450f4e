"""Measurements that anyone can repeat; each file's docstring has its command. They compare within one run."""
