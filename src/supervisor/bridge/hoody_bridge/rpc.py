"""What the service can ask over XML-RPC."""
import functools
import inspect
import json

from supervisor.states import SupervisorStates
from supervisor.xmlrpc import Faults, RPCError

from .bridge import Bridge
from .groups import GroupChanger
from .guards import log_failure

def rpc_method(method):
    signature = inspect.signature(method)

    @functools.wraps(method)
    def guarded(self, *args):
        options = self._supervisord.options
        if options.mood < SupervisorStates.RUNNING:
            raise RPCError(Faults.SHUTDOWN_STATE)
        if self._bridge is None:
            raise RPCError(Faults.FAILED, 'the bridge could not be set up, see the log of supervisord')
        try:
            signature.bind(self, *args)
        except TypeError:
            raise RPCError(Faults.INCORRECT_PARAMETERS)
        try:
            return method(self, *args)
        except RPCError:
            raise
        except Exception as error:
            log_failure(options)
            raise RPCError(Faults.FAILED, '%s: %s' % (type(error).__name__, error))
    return guarded

class HoodyRpcInterface(object):
    """The namespace "hoody". Answers are JSON texts."""

    def __init__(self, supervisord):
        self._supervisord = supervisord
        self._bridge = None
        bridge = None
        try:
            bridge = Bridge(supervisord)
            bridge.open()
            self._groups = GroupChanger(supervisord)
            self._bridge = bridge
        except Exception:
            log_failure(supervisord.options)
            if bridge:
                bridge.close()

    @rpc_method
    def hello(self):
        """ Say who answers, and where its sequence of events stands

        @return string result  {version, supervisor, pid, epoch, seq}
        """
        return json.dumps(self._bridge.hello())

    @rpc_method
    def subscribe(self, path, epoch, since):
        """ Connect to a listening unix socket and write every event to it

        @param string path    the socket; an earlier subscription of the same path ends
        @param string epoch   of the last event seen, or empty
        @param int since      sequence number of the last event seen
        @return string result  as hello
        """
        self._bridge.subscribe(str(path), epoch, int(since))
        return json.dumps(self._bridge.hello())

    @rpc_method
    def snapshot(self):
        """ Tell the state of all processes

        @return string result  the snapshot line of a subscription
        """
        return json.dumps(self._bridge.snapshot(gap=False))

    @rpc_method
    def apply(self, path):
        """ Make the groups named in one file of [program:x] sections equal to it, or change nothing

        @param string path    the file
        @return string result  {added, replaced, kept}
        """
        return json.dumps(self._groups.apply(str(path)))

    @rpc_method
    def check(self, path):
        """ Read such a file and complain about it like apply, but change nothing

        @param string path    the file
        @return boolean result  always True
        """
        self._groups.check(str(path))
        return True

    @rpc_method
    def remove(self, names):
        """ Remove stopped groups, or none if one of them runs

        @param string names   JSON array of group names; unknown ones are ignored
        @return string result  {removed}
        """
        try:
            names = json.loads(names)
        except (TypeError, ValueError):
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise RPCError(Faults.BAD_ARGUMENTS, 'a JSON array of group names is needed')
        return json.dumps(self._groups.remove(names))
