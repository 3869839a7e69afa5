"""A connection to a service."""
import socket

from .guards import never_raises
from .lines import encode
from .loop import forget_descriptor

QUEUE_BYTES = 8 * 1024 * 1024
INPUT_BYTES = 4096

class Subscriber(object):
    """One connection to a service: events out, pings in."""

    def __init__(self, bridge, path):
        self.bridge = bridge
        self.options = bridge.options
        self.path = path
        self.outgoing = bytearray()
        self.incoming = b''
        self.closed = False
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.setblocking(False)
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.fd = self.socket.fileno()
        self.options.get_socket_map()[self.fd] = self

    @never_raises
    def send(self, data):
        if self.closed:
            return
        if len(self.outgoing) + len(data) > QUEUE_BYTES:
            self.options.logger.warn('hoody bridge: %s does not read, dropped' % self.path)
            self.close()
            return
        self.outgoing += data
        self._flush()

    def _flush(self):
        try:
            while self.outgoing:
                sent = self.socket.send(self.outgoing)
                del self.outgoing[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def close(self):
        if self.closed:
            return
        self.closed = True
        self.outgoing = bytearray()
        if self.bridge.subscribers.get(self.path) is self:
            del self.bridge.subscribers[self.path]
        forget_descriptor(self.options, self.fd)
        self.socket.close()

    # Always true: supervisord unregisters what is no longer readable, and for a closed connection
    # that has been done.
    def readable(self):
        return True

    def writable(self):
        return bool(self.outgoing)

    @never_raises
    def handle_read_event(self):
        if self.closed:
            return
        try:
            data = self.socket.recv(INPUT_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b''
        if not data:
            self.close()
            return
        lines = (self.incoming + data).split(b'\n')
        self.incoming = lines.pop()[-INPUT_BYTES:]
        for line in lines:
            if line == b'ping':
                self.send(encode({'type': 'pong', 'seq': self.bridge.seq}))

    @never_raises
    def handle_write_event(self):
        self._flush()

    def handle_error(self):
        self.close()
