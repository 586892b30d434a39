"""How heavy the snippet is, beside its peers. `make sizes` downloads their published packages and prints three tables:
bytes of the files, bytes that a real Chromium received from us, and the time that evaluating the scripts takes.

`trace` and `received` are also what the browser tests measure with.
"""
