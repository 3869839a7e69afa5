"""Hooks into supervisord, and the sequence of its events."""
import collections
import functools
import os
import signal
import time
import uuid

from supervisor import events
from supervisor.options import VERSION
from supervisor.states import ProcessStates, SupervisorStates, getProcessStateDescription
from supervisor.xmlrpc import Faults, RPCError

from .guards import never_raises
from .lines import encode, milliseconds
from .loop import Turns, Waker
from .subscriber import QUEUE_BYTES, Subscriber

PROTOCOL_VERSION = 1
RING_EVENTS = 20000
REPLAY_BYTES = QUEUE_BYTES // 2

# Caught by supervisord. Between fork and exec a child still has these handlers, and would swallow
# the signal of a stop that comes right after its start.
SIGNALS_CAUGHT_BY_SUPERVISORD = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR2)

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
                close_descriptors_at_once(self.options)
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


def close_descriptors_at_once(options):
    # In the child of a fork, which then closes every possible descriptor, one by one: 8,192 calls of
    # Python, during which the program does not run yet.
    minfds = options.minfds
    options.minfds = min(minfds, 4)
    options.close_fd = lambda fd: os.closerange(fd, minfds)
