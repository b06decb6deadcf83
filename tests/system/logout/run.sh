#!/bin/bash
# What a logout really does to runs: run.sh LORADECK FOLDER [SUITE…], as root on Debian or Ubuntu.
#
# Boots a small Debian of its own with systemd (debootstrap and systemd-nspawn, no network inside) for each suite,
# bookworm (systemd 252) and trixie (257) if none is named, and runs guest.sh in it with the given program. About three
# minutes each, and one and a half for a system the first time; FOLDER keeps them.
set -euo pipefail
program=$1 folder=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
packages=systemd,systemd-sysv,libpam-systemd,dbus,dbus-user-session,polkitd,openssh-server,openssh-client,cron,procps

[[ $(id -u) == 0 ]] || { echo "run.sh needs root: it boots a system" >&2; exit 1; }
if ! command -v debootstrap >/dev/null || ! command -v systemd-nspawn >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap systemd-container
fi

wrong=0
(($#)) || set -- bookworm trixie
for suite; do
    base=$folder/$suite
    system=$(mktemp -d "$folder/boot-$suite.XXXXXX")
    trap 'rm -rf "$system"' EXIT
    if [[ ! -e $base ]]; then
        rm -rf "$base.part"
        debootstrap --variant=minbase --include=$packages "$suite" "$base.part" http://deb.debian.org/debian >"$base.log"
        mv "$base.part" "$base"
    fi
    cp -a "$base/." "$system"
    mkdir "$system/opt/loradeck"
    cp "$program" "$here/guest.sh" "$system/opt/loradeck/"
    cat >"$system/etc/systemd/system/scenario.service" <<'UNIT'
[Unit]
After=ssh.service
[Service]
ExecStart=/bin/bash -c '/bin/bash /opt/loradeck/guest.sh >/opt/loradeck/seen 2>&1; systemctl poweroff --no-block'
UNIT
    ln -s ../scenario.service "$system/etc/systemd/system/multi-user.target.wants/scenario.service"
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout 600 unshare --mount systemd-nspawn --boot --directory="$system" \
        --register=no --keep-unit --private-network --console=pipe </dev/null >"$folder/$suite-console.log" 2>&1 || true
    tr -d '\r' <"$system/opt/loradeck/seen"
    grep -qx 'wrong: 0' "$system/opt/loradeck/seen" || wrong=1
    rm -rf "$system"
done
exit $wrong
