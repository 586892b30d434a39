"""One file a command, each with `command`. Found by `cli.group`; nothing else names them."""
