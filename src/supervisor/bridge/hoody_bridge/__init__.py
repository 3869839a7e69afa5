"""A supervisord extension: exact process events at once, and groups changed without a global reread.

    [rpcinterface:hoody]
    supervisor.rpcinterface_factory = hoody_bridge:make_bridge

It runs inside supervisord, so nothing here may raise into it: what goes wrong is logged, and
supervisord goes on as if this extension were not there.
"""
from .rpc import HoodyRpcInterface

_latest = None


def make_bridge(supervisord, **_settings):
    # The factory is called once per HTTP server, and again for a new supervisord after SIGHUP.
    global _latest
    if _latest is None or _latest._supervisord is not supervisord:
        _latest = HoodyRpcInterface(supervisord)
    return _latest
