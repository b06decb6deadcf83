# The recipes behind `./x RECIPE`, which first fetches what they need (just itself and libtorch).

set positional-arguments

root := justfile_directory()
fetch := "python3 " + quote(root / "tools/fetch.py")
target := env("CARGO_TARGET_DIR", root / "target")

# List the recipes.
[private]
default:
    @{{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} --list --unsorted

# Train a small sweep on a real model and show all of loradeck: demo [DIR] [--plain], demo --image for pictures.
demo *ARGUMENTS:
    #!/usr/bin/env bash
    set -euo pipefail
    case " $* " in
        # The base of the pictures is part of the checkout.
        *" --image "*) model={{ quote(root / "experiments/picture-book/base") }} ;;
        *) model=$({{ fetch }} base-model) ;;
    esac
    cargo build --release --package loradeck --package loradeck-train
    cd {{ quote(invocation_directory()) }}
    exec {{ quote(target / "release/loradeck") }} demo "$@" --base-model "$model" --shipped {{ quote(root) }}

# Everything that can be checked here: format, lints, tests, documentation. Ends by saying what was skipped.
test:
    #!/usr/bin/env bash
    set -euo pipefail
    export LORADECK_SKIPPED={{ quote(target / "skipped.txt") }}
    mkdir -p {{ quote(target) }} && : > "$LORADECK_SKIPPED"
    LORADECK_BASE_MODEL=$({{ fetch }} base-model)
    export LORADECK_BASE_MODEL
    run() { printf '\n== %s\n' "$*"; "$@"; }
    run {{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} lint
    run python3 -m unittest discover --start-directory tests/setup
    # The deck's tests start the trainer, so it has to be there and as new as they are.
    run cargo build --workspace --features crash-points
    run cargo test --workspace --features crash-points 2>&1 | tee {{ quote(target / "test.log") }}
    RUSTDOCFLAGS="-D warnings" run cargo doc --workspace --no-deps
    run python3 tools/skipped.py "$LORADECK_SKIPPED" {{ quote(target / "test.log") }}

# Format and lints only.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --features crash-points -- -D warnings
    # What needs no network; deny.toml says what is held.
    if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; fi

# Tests on real Slurm clusters, one of them of hosts that share files as over NFS, over a real sshd, all on loopback, in a cgroup and on a full disk; as root on Debian or Ubuntu.
test-system *ARGUMENTS:
    #!/usr/bin/env bash
    set -euo pipefail
    export PATH="$PATH:/usr/sbin"
    has_all() { for program in "$@"; do command -v "$program" >/dev/null || return 1; done; }
    if ! has_all slurmctld slurmd munged slurmdbd mariadbd my_print_defaults bindfs sshd ssh ssh-keygen; then
        [[ $(id -u) == 0 ]] || { echo "test-system needs root: it installs and starts daemons" >&2; exit 1; }
        # Nothing is started by the packages themselves: the tests bring up clusters of their own.
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            slurm-wlm munge slurmdbd mariadb-server-core mariadb-client-core bindfs openssh-server openssh-client
    fi
    # The cluster trains with the real trainer too.
    cargo build --workspace --features crash-points
    exec cargo test --package loradeck --features crash-points --test slurm --test ssh --test memory_kill --test full_disk -- --ignored "$@"

# See what a logout does to runs, on systems with systemd that are booted for it; as root on Debian: test-logout [SUITE…].
test-logout *SUITES:
    cargo build --package loradeck
    mkdir -p {{ quote(target / "logout") }}
    tests/system/logout/run.sh {{ quote(target / "debug/loradeck") }} {{ quote(target / "logout") }} "$@"

# Build deck and trainer, release profile.
build:
    cargo build --release --package loradeck --package loradeck-train

# Put the demos' base models into ./models, where the shipped experiments look for them.
model:
    #!/usr/bin/env bash
    set -euo pipefail
    model=$({{ fetch }} base-model)
    mkdir -p {{ quote(root / "models") }}
    ln -sfn -- "$model" {{ quote(root / "models/SmolLM2-135M-Instruct.Q4_1.gguf") }}
    ln -sfn -- ../experiments/picture-book/base {{ quote(root / "models/picture-book") }}

# Compare with peft, transformers, diffusers, gguf and tensorboard, trainer and file readers: judge [NAME…].
judge *NAMES:
    #!/usr/bin/env bash
    set -euo pipefail
    LORADECK_BASE_MODEL=$({{ fetch }} base-model)
    LORADECK_CHAT_TEMPLATES=$({{ fetch }} chat-templates)
    export LORADECK_BASE_MODEL LORADECK_CHAT_TEMPLATES
    python=$({{ fetch }} judges)
    # Both packages, as the demo builds them: other features would compile the dependencies again.
    cargo build --release --package loradeck --package loradeck-train
    export LORADECK_TRAIN={{ quote(target / "release/loradeck-train") }}
    # With the features that `test` has built the workspace with, for the same reason.
    cargo build --workspace --features crash-points --example probe
    export LORADECK_PROBE={{ quote(target / "debug/examples/probe") }}
    cargo build --release --package loradeck --package loradeck-train --example diffusion_probe
    export LORADECK_DIFFUSION_PROBE={{ quote(target / "release/examples/diffusion_probe") }}
    exec "$python" tests/judges/run.py "$@"

# Compare the search with Optuna, then show that this judge rejects deliberate mistakes: judge-search [NUMBER…].
judge-search *NUMBERS:
    #!/usr/bin/env bash
    set -euo pipefail
    python=$({{ fetch }} optuna)
    cargo build --package loradeck-search --example play
    "$python" crates/search/judge/judge.py {{ quote(target / "debug/examples/play") }}
    exec "$python" crates/search/judge/mutants.py "$@"

# Show that the judges reject deliberate mistakes: mutants [NUMBER…].
mutants *NUMBERS:
    #!/usr/bin/env bash
    set -euo pipefail
    LORADECK_BASE_MODEL=$({{ fetch }} base-model)
    export LORADECK_BASE_MODEL
    LORADECK_JUDGES_PYTHON=$({{ fetch }} judges)
    export LORADECK_JUDGES_PYTHON
    exec python3 tests/mutants/run.py "$@"

# Draw the README's picture of the dashboard from a demo's workspace: picture DIR.
picture DIR:
    #!/usr/bin/env bash
    set -euo pipefail
    venv={{ quote(target / "picture") }}
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet pyte==0.8.2
    "$venv/bin/python" tools/dashboard_picture.py {{ quote(target / "release/loradeck") }} "$1" docs/dashboard.svg

# The benchmarks.
bench *ARGUMENTS:
    # Each is one ignored test that prints its figures.
    cargo test --release --package loradeck-core --test metrics_speed -- --ignored --nocapture --test-threads=1 "$@"
    cargo test --release --package loradeck --test store_speed -- --ignored --nocapture --test-threads=1 "$@"
    cargo test --release --package loradeck --test dashboard -- --ignored --nocapture --test-threads=1 speed "$@"
