"""Nothing may raise into supervisord."""
import functools
import traceback

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
