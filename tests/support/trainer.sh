#!/bin/sh
# A stand-in for the trainer, for tests that need an end on demand. `notes:` in config.yaml says which:
# finish, fail, work (for about a second), refuse (exit 2 without a word), wait (until the file `go` appears; SIGTERM is answered like a
# trainer does: a checkpoint, then exit 3).
run=$2
attempt=$4
mode=$(sed -n 's/^notes: //p' "$run/config.yaml")
summary() {
    cat > "$run/.tmp-summary" <<EOF
{"format":1,"attempt":$attempt,"outcome":"$1","step":1,"total_steps":2,"epoch":0.5,"tokens":10,"seconds":0.1,
"started":"2026-01-01T00:00:00.000Z","updated":"2026-01-01T00:00:00.000Z"}
EOF
    mv "$run/.tmp-summary" "$run/summary.json"
}
[ "$mode" = refuse ] && exit 2
echo "attempt $attempt begins"
echo "$attempt $$ $(date +%s.%N)" >> "$run/starts"
summary running
trap 'mkdir -p "$run/checkpoints/$(printf step-%08d "$attempt")"; summary stopped; exit 3' TERM
case $mode in
    fail) echo "it fails" >&2; exit 1 ;;
    work) for turn in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done ;;
    wait) while [ ! -e "$run/go" ]; do sleep 0.02; done ;;
esac
summary finished
date +%s.%N > "$run/ended"
exit 0
