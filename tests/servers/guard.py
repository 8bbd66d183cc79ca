"""A temporary directory, and the server in it, that end with the process that made them.

A test session can fail, be interrupted or be killed. So no ``atexit`` hook or signal handler is
relied on: a small shell waits at the other end of a pipe, which closes with this process.
"""

import subprocess
import tempfile
from pathlib import Path

# The arguments: the file whose first line is the server's process id, if a server runs; the
# directory to remove, if there is one. QUIT is PostgreSQL's immediate shutdown.
_WAIT_AND_CLEAR = """
cat > /dev/null
if [ -s "$1" ]; then
    pid=$(head -n 1 "$1")
    kill -QUIT "$pid"
    tries=0
    while kill -0 "$pid" && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
fi 2> /dev/null
[ -z "$2" ] || rm -rf "$2"
"""


class GuardedDirectory:
    """A directory, by default a new temporary one that is removed in the end.

    ``server_pid_file`` inside it names the process to stop before that.
    """

    def __init__(self, path: Path | None = None, server_pid_file: str = "server.pid") -> None:
        """Create the directory; a *path* that is given stays when all is over."""
        keep = path is not None
        self.path = Path(tempfile.mkdtemp(prefix="crossdb-")) if path is None else path
        self.path.mkdir(parents=True, exist_ok=True)
        # A server that runs as another user has to reach its own part.
        self.path.chmod(0o711)
        pid_file = str(self.path / server_pid_file)
        to_remove = "" if keep else str(self.path)
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _WAIT_AND_CLEAR, "guard", pid_file, to_remove],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd="/",
            # Ctrl-C goes to a whole process group: the guard must outlive it.
            start_new_session=True,
        )

    def close(self) -> None:
        """Stop what still runs in the directory and remove it; again is harmless."""
        if self._shell.stdin is not None and not self._shell.stdin.closed:
            self._shell.stdin.close()
        self._shell.wait(timeout=30)
