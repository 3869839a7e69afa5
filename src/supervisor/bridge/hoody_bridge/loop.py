"""When supervisord's main loop turns."""
import heapq
import os
import signal
import time

from supervisor.states import ProcessStates

# Timed transitions are tested with a strict ">", so the loop is turned a little after the deadline.
DEADLINE_MARGIN_SECS = 0.002
# A program with startsecs=0 that dies at once has no back-off. Stock supervisord respawns it once
# per idle loop turn, which is a second; it must not become a fork loop because we turn it faster.
RESPAWN_SECS = 1.0

class Turns(object):
    """How long the main loop may sleep: stock supervisord looks at timed transitions once a second."""

    def __init__(self):
        self.at_once = False
        self.deadlines = []

    def plan_for(self, process):
        due = self._next_transition(process)
        remaining = due - time.time() if due else 0
        if remaining > 0:
            heapq.heappush(self.deadlines, time.monotonic() + remaining + DEADLINE_MARGIN_SECS)
        if remaining <= 0 or process.state != ProcessStates.EXITED:
            self.at_once = True

    def _next_transition(self, process):
        if process.state == ProcessStates.STARTING:
            return process.laststart + process.config.startsecs
        if process.state in (ProcessStates.BACKOFF, ProcessStates.STOPPING):
            return process.delay
        if process.state == ProcessStates.EXITED:
            return process.laststart + RESPAWN_SECS
        return None

    def sleep_secs(self, timeout):
        if self.at_once:
            self.at_once = False
            return 0
        if self.deadlines:
            return max(0, min(timeout, self.deadlines[0] - time.monotonic()))
        return timeout

    def forget_past(self):
        now = time.monotonic()
        while self.deadlines and self.deadlines[0] <= now:
            heapq.heappop(self.deadlines)

class Waker(object):
    """Ends the sleep of the main loop when a signal arrives: poll() itself is resumed after SIGCHLD."""

    def __init__(self, options):
        self.options = options
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        os.set_blocking(self.write_end, False)
        signal.set_wakeup_fd(self.write_end, warn_on_full_buffer=False)
        options.get_socket_map()[self.read_end] = self

    def close(self):
        signal.set_wakeup_fd(-1)
        forget_descriptor(self.options, self.read_end)
        os.close(self.read_end)
        os.close(self.write_end)

    def readable(self):
        return True

    def writable(self):
        return False

    def handle_read_event(self):
        self.drain()

    def handle_write_event(self):
        pass

    def handle_error(self):
        pass

    def drain(self):
        try:
            os.read(self.read_end, 65536)
        except OSError:
            pass

def forget_descriptor(options, fd):
    options.get_socket_map().pop(fd, None)
    # The poller keeps closed descriptors until its next turn, and the number may be taken by then.
    for unregister in (options.poller.unregister_readable, options.poller.unregister_writable):
        try:
            unregister(fd)
        except Exception:
            pass
