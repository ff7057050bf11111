// Nothing to call: a program that links this has a free() and a realloc() that wipe. See free.c.
