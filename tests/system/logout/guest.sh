#!/bin/bash
# Runs inside the machine that run.sh boots, as root. Every case starts a run, drops its connection for real, and looks
# at what lives on: a case is right where `doctor` foretold it. Ends with `wrong: N`.
set -u
program=/opt/loradeck/loradeck
wrong=0

say() { printf '%s\n' "$*"; }

# wait_for SECONDS COMMAND…
wait_for() {
    local left=$(($1 * 10))
    shift
    until "$@" 2>/dev/null; do
        ((left-- > 0)) || return 1
        sleep 0.1
    done
}

# logind LINE…: what logind is told.
logind() {
    mkdir -p /etc/systemd/logind.conf.d
    printf '%s\n' '[Login]' UserStopDelaySec=1 "$@" >/etc/systemd/logind.conf.d/test.conf
    systemctl restart systemd-logind
}

# begin USER: a workspace whose experiment trains until it is told to go, and what the user does in a session.
begin() {
    user=$1
    home=$(getent passwd "$user" | cut -d: -f6)
    lab=$home/lab
    run=$lab/experiments/x/runs/0001
    rm -rf "$lab" "$home/said" "$home/plain" /tmp/loradeck
    mkdir -p "$lab/experiments/x"
    say 'format: 1' >"$lab/loradeck.yaml"
    cat >"$lab/experiments/x/experiment.yaml" <<'YAML'
command: [sh, -c, 'echo $$ > "$0/pid"; while [ ! -e "$0/go" ]; do sleep 0.1; done', "${run_dir}"]
YAML
    cat >"$home/session" <<SESSION
cd $lab
nohup setsid sleep 3333 >/dev/null 2>&1 & echo \$! >$home/plain
$program doctor >$home/said 2>&1
$program run x >>$home/said 2>&1
SESSION
    chown -R "$user:" "$home"
}

training() { cat "$run/pid"; }
trains() { [ -s "$run/pid" ]; }
lives() { kill -0 "$1" 2>/dev/null; }
has_died() { ! lives "$(training)"; }
has_finished() { grep -q finished "$run/status.json"; }
unit_of_training() { sed -n 's/^0:://p' "/proc/$(training)/cgroup" 2>/dev/null; }
is_out() {
    ! loginctl list-sessions --no-legend | grep -q " $user .*pts/" &&
        { [ -e "/var/lib/systemd/linger/$user" ] || [ "$user" = root ] ||
            [ "$(systemctl is-active "user@$(id -u "$user")")" = inactive ]; }
}
# A session whose processes live on stays, as one that closes.
nobody_is_in() {
    ! loginctl list-sessions --no-legend | awk '/pts/ { print $1 }' |
        xargs -r -n1 loginctl show-session -p State | grep -qE 'active|online'
}

# over_ssh USER LINE: a session in a terminal of its own; then the connection drops on both sides.
over_ssh() {
    ssh -tt -q -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i /var/tmp/login-key \
        "$1@127.0.0.1" "$2; touch $home/done; sleep 999" </dev/zero >/dev/null 2>&1 &
    local client=$!
    disown
    rm -f "$home/done"
    wait_for 30 trains && wait_for 30 test -e "$home/done" || say "   it does not train"
    before=$(unit_of_training)
    kill -KILL "$client"
    pkill -KILL -f '^sshd(-session)?: .*(@|\[priv\])'
    wait_for 10 nobody_is_in || loginctl list-sessions
    # UserStopDelaySec=, and the end of the user's manager.
    sleep 4
}

# judge NAME: what lives on, against what `doctor` foretold.
judge() {
    local plain=dies training=dies foretold=lives after
    if grep -q '^BAD  *logout' "$home/said"; then
        foretold=dies
        # A manager that ends gives what is below it time.
        wait_for 30 has_died
    fi
    lives "$(cat "$home/plain")" && plain=lives
    has_died || training=lives
    after=$(unit_of_training)
    say "== $1: a plain process $plain, the training $training, $foretold foretold"
    say "   before: $before"
    say "   after:  ${after:--}"
    # The finding, its advice, and what `run` said.
    sed -n -E '/^(ok|BAD) +logout/,/ reboot /{/ reboot /d;s/^/   /p}; /^(queued|warning)/s/^/   run: /p' "$home/said"
    if [ $training = lives ]; then
        touch "$run/go"
        wait_for 20 has_finished || { say "   it does not finish"; wrong=$((wrong + 1)); }
    fi
    if [ $training != $foretold ]; then
        say "   WRONG"
        sed 's/^/   log: /' "$lab/.loradeck/dispatch.log"
        wrong=$((wrong + 1))
    fi
    kill "$(cat "$home/plain")" 2>/dev/null
    [ "$user" = root ] || { loginctl terminate-user "$user"; pkill -KILL -u "$user" 'sleep|loradeck|sh'; } 2>/dev/null
    wait_for 20 is_out
    sleep 2
}

useradd -m -s /bin/bash ada
ssh-keygen -q -t ed25519 -N '' -f /var/tmp/login-key
for user in ada root; do
    home=$(getent passwd $user | cut -d: -f6)
    mkdir -p "$home/.ssh" && cp /var/tmp/login-key.pub "$home/.ssh/authorized_keys" && chown -R $user: "$home/.ssh"
done
systemctl --version | head -n 1
in_scope='systemd-run --user --scope -q sh /home/ada/session'
by_su="su ada -c 'sh /home/ada/session'"

logind KillUserProcesses=no
begin ada; over_ssh ada 'sh session'; judge 'KillUserProcesses=no'
begin ada; over_ssh ada "$in_scope"; judge "KillUserProcesses=no, in a scope of the user's manager"
logind KillUserProcesses=no KillOnlyUsers=ada
begin ada; over_ssh ada 'sh session'; judge 'KillUserProcesses=no, KillOnlyUsers=ada'

logind KillUserProcesses=yes
begin ada; over_ssh ada 'sh session'; judge 'KillUserProcesses=yes'
begin root; over_ssh root 'sh session'; judge 'KillUserProcesses=yes, root'
begin ada; over_ssh root "$by_su"; judge "KillUserProcesses=yes, su in root's session"
begin ada; over_ssh ada "$in_scope"; judge "KillUserProcesses=yes, in a scope of the user's manager"
begin ada
say '* * * * * sh /home/ada/session' | crontab -u ada -
wait_for 90 trains
crontab -u ada -r
before=$(unit_of_training)
judge 'KillUserProcesses=yes, from cron'

# The training stays where it was started; the dispatcher goes where it is spared, and `doctor` names the training.
begin ada
over_ssh ada "sh session; loginctl enable-linger; for i in 1 2 3 4 5 6 7 8 9; do grep -q 'takes over' lab/.loradeck/dispatch.log && break; sleep 1; done; cd lab; $program doctor >~/said"
grep -q 'takes over' "$lab/.loradeck/dispatch.log" || { say '   WRONG: the dispatcher stays'; wrong=$((wrong + 1)); }
judge 'KillUserProcesses=yes, lingering enabled while it trains'

begin ada; over_ssh ada 'sh session'; judge 'KillUserProcesses=yes, lingering'
logind KillUserProcesses=yes KillExcludeUsers=nobody
begin ada; over_ssh root "$by_su"; judge "KillUserProcesses=yes for root too, lingering, su in root's session"
logind KillUserProcesses=yes
systemctl mask --runtime --now user@1000 2>/dev/null
begin ada; over_ssh ada 'sh session'; judge "KillUserProcesses=yes, lingering, no user's manager"
say "wrong: $wrong"
