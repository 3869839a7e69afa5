"""Changes of supervisord's groups, one file at a time."""
import configparser
import os
import platform

from supervisor.options import UnhosedConfigParser
from supervisor.xmlrpc import Faults, RPCError

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
