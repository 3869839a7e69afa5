"""A supervisord extension: exact process events at once, and groups changed without a global reread.

    [rpcinterface:hoody]
    supervisor.rpcinterface_factory = hoody_bridge:make_bridge

It runs inside supervisord, so nothing here may raise into it: what goes wrong is logged, and
supervisord goes on as if this extension were not there.
"""
import collections
import configparser
import functools
import heapq
import inspect
import json
import os
import platform
import signal
import socket
import time
import traceback
import uuid

from supervisor import events
from supervisor.options import UnhosedConfigParser, VERSION
from supervisor.states import ProcessStates, SupervisorStates, getProcessStateDescription
from supervisor.xmlrpc import Faults, RPCError

PROTOCOL_VERSION = 1
RING_EVENTS = 20000
QUEUE_BYTES = 8 * 1024 * 1024
REPLAY_BYTES = QUEUE_BYTES // 2
INPUT_BYTES = 4096

# Timed transitions are tested with a strict ">", so the loop is turned a little after the deadline.
DEADLINE_MARGIN_SECS = 0.002
# A program with startsecs=0 that dies at once has no back-off. Stock supervisord respawns it once
# per idle loop turn, which is a second; it must not become a fork loop because we turn it faster.
RESPAWN_SECS = 1.0

# Caught by supervisord. Between fork and exec a child still has these handlers, and would swallow
# the signal of a stop that comes right after its start.
SIGNALS_CAUGHT_BY_SUPERVISORD = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR2)

_latest = None


def make_bridge(supervisord, **_settings):
    # The factory is called once per HTTP server, and again for a new supervisord after SIGHUP.
    global _latest
    if _latest is None or _latest._supervisord is not supervisord:
        _latest = HoodyRpcInterface(supervisord)
    return _latest


def log_failure(options):
    try:
        options.logger.error('hoody bridge: %s' % traceback.format_exc())
    except Exception:
        pass


def never_raises(method):
    @functools.wraps(method)
    def guarded(self, *args):
        try:
            return method(self, *args)
        except Exception:
            log_failure(self.options)
    return guarded


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


class Run(object):
    """One spawn of a process. supervisord forgets the pid and never keeps the wait status."""
    pid = exit = signal = None
    core = False

    def ended(self, wait_status):
        if os.WIFEXITED(wait_status):
            self.exit = os.WEXITSTATUS(wait_status)
        elif os.WIFSIGNALED(wait_status):
            self.signal = os.WTERMSIG(wait_status)
            self.core = os.WCOREDUMP(wait_status)


NEVER_RUN = Run()


class Bridge(object):
    """Hooks into one supervisord, numbers its events and hands them to the subscribers."""

    def __init__(self, supervisord):
        self.supervisord = supervisord
        self.options = supervisord.options
        self.epoch = str(uuid.uuid4())
        self.seq = 0
        self.ring = collections.deque(maxlen=RING_EVENTS)
        self.subscribers = {}
        self.turns = Turns()
        self.waker = None
        self.spawning = None
        self.hooked = []
        self.process_names = dict(
            (name, list(group.processes)) for name, group in supervisord.process_groups.items())

    def open(self):
        self.waker = Waker(self.options)
        self._hook(self.options, 'waitpid', self._waitpid)
        self._hook(self.options, 'fork', self._fork)
        self._hook(self.options, 'cleanup', self._cleanup)
        self._hook(self.options.poller, 'poll', self._poll)
        events.subscribe(events.ProcessStateEvent, self.on_process_state)
        events.subscribe(events.ProcessGroupAddedEvent, self.on_group_added)
        events.subscribe(events.ProcessGroupRemovedEvent, self.on_group_removed)
        events.subscribe(events.SupervisorStateChangeEvent, self.on_supervisor_state)

    @never_raises
    def close(self):
        for callback in list(events.callbacks):
            if getattr(callback[1], '__self__', None) is self:
                events.unsubscribe(*callback)
        while self.hooked:
            setattr(*self.hooked.pop())
        for subscriber in list(self.subscribers.values()):
            subscriber.close()
        if self.waker:
            self.waker.close()

    def _hook(self, target, name, hook):
        stock = getattr(target, name)
        self.hooked.append((target, name, stock))
        setattr(target, name, functools.partial(hook, stock))

    def _cleanup(self, stock):
        # Before a restart by SIGHUP supervisord closes all descriptors it does not know, by number.
        self.close()
        return stock()

    def _poll(self, stock, timeout):
        sleep_secs = self._sleep_secs(timeout)
        ready = stock(timeout if sleep_secs is None else sleep_secs)
        self.turns.forget_past()
        return ready

    @never_raises
    def _sleep_secs(self, timeout):
        return 0 if self._passes_a_stopped_group() else self.turns.sleep_secs(timeout)

    def _passes_a_stopped_group(self):
        # A shutdown takes one group per turn, those too where nothing runs: a second for each.
        if self.options.mood >= SupervisorStates.RUNNING or not self.supervisord.stop_groups:
            return False
        return not self.supervisord.stop_groups[-1].get_unstopped_processes()

    def _waitpid(self, stock):
        # A signal that came before this call needs no further turn: the reaping has not begun yet.
        self.waker.drain()
        pid, status = stock()
        if pid:
            self._note_end(pid, status)
        return pid, status

    @never_raises
    def _note_end(self, pid, status):
        process = self.options.pidhistory.get(pid)
        if process is not None:
            run_of(process).ended(status)

    def _fork(self, stock):
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS_CAUGHT_BY_SUPERVISORD)
        pid = None
        try:
            pid = stock()
        finally:
            if pid == 0:
                drop_signal_handlers()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if pid:
            self._note_start(pid)
        return pid

    @never_raises
    def _note_start(self, pid):
        try:
            # The child does it too, but a stop of the whole group may come before it has.
            os.setpgid(pid, pid)
        except OSError:
            pass
        process = self.spawning
        if process is not None:
            run_of(process).pid = pid
            self.publish('pid', group=group_of(process), name=process.config.name, pid=pid)

    @never_raises
    def on_process_state(self, event):
        process = event.process
        if process.state == ProcessStates.STARTING:
            process.hoody_run = Run()
            self.spawning = process
        run = run_of(process)
        # supervisord may declare a process RUNNING when it has already reaped it.
        end = NEVER_RUN if process.state == ProcessStates.RUNNING else run
        self.publish(
            'state',
            group=group_of(process),
            name=process.config.name,
            to=getProcessStateDescription(process.state),
            pid=run.pid,
            exit=end.exit,
            signal=end.signal,
            core=end.core,
            spawnerr=process.spawnerr,
            expected=bool(event.expected) if process.state == ProcessStates.EXITED else None,
            tries=process.backoff,
            start=milliseconds(process.laststart),
            stop=milliseconds(process.laststop),
            **{'from': getProcessStateDescription(event.from_state)})
        self.turns.plan_for(process)

    @never_raises
    def on_group_added(self, event):
        names = list(self.supervisord.process_groups[event.group].processes)
        self.process_names[event.group] = names
        self.publish('group', action='added', group=event.group, processes=names)
        self.turns.at_once = True

    @never_raises
    def on_group_removed(self, event):
        names = self.process_names.pop(event.group, [])
        self.publish('group', action='removed', group=event.group, processes=names)

    @never_raises
    def on_supervisor_state(self, event):
        stopping = isinstance(event, events.SupervisorStoppingEvent)
        self.publish('supervisor', state='STOPPING' if stopping else 'RUNNING')

    def publish(self, kind, **fields):
        self.seq += 1
        line = encode(dict(fields, type=kind, seq=self.seq, time=milliseconds(time.time())))
        self.ring.append(line)
        for subscriber in list(self.subscribers.values()):
            subscriber.send(line)

    def hello(self):
        return {'version': PROTOCOL_VERSION, 'supervisor': VERSION, 'pid': os.getpid(),
                'epoch': self.epoch, 'seq': self.seq}

    def snapshot(self, gap):
        groups = self.supervisord.process_groups
        return {'type': 'snapshot', 'epoch': self.epoch, 'seq': self.seq, 'pid': os.getpid(),
                'time': milliseconds(time.time()), 'groups': list(groups), 'gap': gap,
                'processes': [snapshot_row(name, process) for name, group in groups.items()
                              for process in group.processes.values()]}

    def subscribe(self, path, epoch, since):
        earlier = self.subscribers.get(path)
        if earlier:
            earlier.close()
        try:
            subscriber = Subscriber(self, path)
        except OSError as error:
            raise RPCError(Faults.FAILED, 'cannot connect to %s: %s' % (path, error))
        self.subscribers[path] = subscriber
        missed = self._events_since(epoch, since)
        if missed is not None:
            replay = {'type': 'replay', 'epoch': self.epoch, 'seq': self.seq, 'from': since}
            subscriber.send(encode(replay) + b''.join(missed))
        subscriber.send(encode(self.snapshot(gap=missed is None)))

    def _events_since(self, epoch, since):
        count = self.seq - since
        if epoch != self.epoch or not 0 <= count <= len(self.ring):
            return None
        missed = list(self.ring)[len(self.ring) - count:]
        # More could fill the queue of every new subscription, for ever.
        return missed if sum(map(len, missed)) <= REPLAY_BYTES else None


def run_of(process):
    return getattr(process, 'hoody_run', NEVER_RUN)


def group_of(process):
    return process.group.config.name if process.group is not None else process.config.name


def milliseconds(seconds):
    return int(seconds * 1000) if seconds else None


def encode(line):
    return json.dumps(line, separators=(',', ':')).encode('ascii') + b'\n'


def snapshot_row(group, process):
    run = run_of(process)
    return [group, process.config.name, getProcessStateDescription(process.state),
            run.pid, run.exit, run.signal, process.spawnerr,
            milliseconds(process.laststart), milliseconds(process.laststop), process.backoff]


def drop_signal_handlers():
    # In the child of a fork: an exception here would make it a second supervisord.
    try:
        signal.set_wakeup_fd(-1)
        for number in SIGNALS_CAUGHT_BY_SUPERVISORD:
            signal.signal(number, signal.SIG_DFL)
    except Exception:
        pass


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


def forget_descriptor(options, fd):
    options.get_socket_map().pop(fd, None)
    # The poller keeps closed descriptors until its next turn, and the number may be taken by then.
    for unregister in (options.poller.unregister_readable, options.poller.unregister_writable):
        try:
            unregister(fd)
        except Exception:
            pass


def same_config(one, other):
    return one is other or one == other


class GroupChanger(object):
    """Adds, replaces and removes groups without reading any other file again."""

    def __init__(self, supervisord):
        self.supervisord = supervisord
        self.options = supervisord.options
        self.applied = {}
        self.applied_under = None

    def check(self, path):
        try:
            return self._read(path)
        except (ValueError, configparser.Error) as error:
            raise RPCError(Faults.CANT_REREAD, error)

    def apply(self, path):
        sections, wanted = self.check(path)
        groups = self.supervisord.process_groups
        added = [name for name in wanted if name not in groups]
        replaced = [name for name in wanted
                    if name in groups and not same_config(wanted[name], groups[name].config)]
        self._require_stopped(replaced)
        for name in added + replaced:
            # Makes the automatic log files, which can fail, so before anything has changed.
            wanted[name].after_setuid()

        for name in replaced:
            self.supervisord.remove_process_group(name)
        for name in added + replaced:
            self.supervisord.add_process_group(wanted[name])
        active = dict((name, groups[name].config) for name in wanted)
        self._set_configs(active)
        for name, config in active.items():
            self.applied[name] = (sections[name], config)
        changed = set(added + replaced)
        return {'added': added, 'replaced': replaced,
                'kept': [name for name in wanted if name not in changed]}

    def remove(self, names):
        groups = self.supervisord.process_groups
        names = [name for name in dict.fromkeys(names) if name in groups]
        self._require_stopped(names)
        for name in names:
            self.supervisord.remove_process_group(name)
            self.applied.pop(name, None)
        self._set_configs(dict.fromkeys(names))
        return {'removed': names}

    def _require_stopped(self, names):
        for name in names:
            if self.supervisord.process_groups[name].get_unstopped_processes():
                raise RPCError(Faults.STILL_RUNNING, name)

    def _set_configs(self, changes):
        # The list behind addProcessGroup and getAllConfigInfo, otherwise made only by a reread.
        configs = dict((config.name, config) for config in self.options.process_group_configs)
        configs.update(changes)
        self.options.process_group_configs[:] = sorted(filter(None, configs.values()))

    def _read(self, path):
        """The raw sections of the file and the group configs they mean, by group name."""
        parser = UnhosedConfigParser()
        parser.expansions = self.options.environ_expansions
        if not parser.read(path):
            raise ValueError('could not read config file %s' % path)
        parser.expand_here(os.path.dirname(os.path.abspath(path)))
        if parser.defaults():
            raise ValueError('%s may hold [program:x] sections only, not [DEFAULT]' % path)

        self._forget_applied_under_other_settings()
        sections, wanted = {}, {}
        for section in parser.sections():
            if not section.startswith('program:'):
                raise ValueError('%s may hold [program:x] sections only, not [%s]' % (path, section))
            name = section[len('program:'):].strip()
            sections[name] = dict(parser.items(section))
            wanted[name] = None
            if self._is_applied(name, sections[name]):
                # Making configs is most of the cost, and these would come out the same.
                wanted[name] = self.applied[name][1]
                parser.remove_section(section)
        for config in self._configs(parser):
            wanted[config.name] = config
        return sections, wanted

    def _is_applied(self, name, section):
        raw, config = self.applied.get(name, (None, None))
        group = self.supervisord.process_groups.get(name)
        return group is not None and group.config is config and raw == section

    def _forget_applied_under_other_settings(self):
        settings = (self.options.here, platform.node(), dict(self.options.environ_expansions),
                    dict(self._common_environment()))
        if settings != self.applied_under:
            self.applied = {}
            self.applied_under = settings

    def _common_environment(self):
        return self.options.configroot.supervisord.environment

    def _configs(self, parser):
        warnings = self.options.parse_warnings
        self.options.parse_warnings = []
        try:
            configs = self.options.process_groups_from_parser(parser)
        finally:
            self.options.parse_warnings = warnings
        for config in configs:
            for process in config.process_configs:
                process.environment = dict(self._common_environment(), **process.environment)
        return configs
