#!/bin/sh
# Installs Debian's supervisor package, as root, for its program alone. The package also runs a supervisord of
# its own as a system service: policy-rc.d keeps that from starting now, and afterwards it is disabled.
set -e
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 143' INT TERM HUP
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

apt-get -o DPkg::Lock::Timeout=120 update
apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends supervisor

if [ -d /run/systemd/system ]; then
  systemctl disable --now supervisor
else
  update-rc.d supervisor disable
fi
