# shellcheck shell=bash disable=SC2120
# Shared by test/run, test/demo/run and test/bench: packages, a private copy of the server with easq in it, and a
# throw-away cluster.  Nothing is installed into the server of the machine and no cluster of it is touched.
#
#   start_easq [SETTING=VALUE ...]   all of it; afterwards psql reaches the cluster, as superuser, without arguments
#   run LOG COMMAND ...              runs as the server's user in the built tree, within the time that is left
#   say WORDS ...                    one line of progress
#
# PG_CONFIG     the server to use; else the newest that is installed or that the distribution has
# EASQ_BUILD    a folder under /tmp that keeps the build for the next run
# EASQ_TIMEOUT  seconds until a run gives up (1140)

set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
packages=(gcc make libc6-dev libopenblas-serial-dev)
keep=${keep:-}
child=

# A caller's connection settings, locale and make flags would change the results.
for name in "${!PG@}"; do [[ $name == PG_CONFIG ]] || unset "$name"; done
unset name LANGUAGE MAKEFLAGS MFLAGS MAKELEVEL
export LC_ALL=C.UTF-8

# The server refuses root.  setpriv keeps the environment: OPENBLAS_CORETYPE must reach the server.
as=()
((EUID)) || as=(setpriv --reuid=postgres --regid=postgres --init-groups --)

say() { printf '%s\n' "$*"; }
die() {
    printf 'easq: %s\n' "$*" >&2
    exit 1
}

run() {
    local log=$1 left=$((${EASQ_TIMEOUT:-1140} - SECONDS))
    shift
    ((left > 0)) || left=1
    # In the background, because bash runs a trap only after a foreground command has ended.
    (cd "$tree" && exec timeout -k 5 "$left" "${as[@]}" "$@") >"$log" 2>&1 </dev/null &
    child=$!
    local status=0
    wait "$child" || status=$?
    child=
    ((status != 124)) || say "stopped: the $((SECONDS)) s of EASQ_TIMEOUT are over" >>"$log"
    return "$status"
}

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

newest_server() {
    local file
    for file in /usr/lib/postgresql/*/bin/postgres; do
        [[ ! -x $file ]] || basename "${file%/bin/postgres}"
    done | sort -n | tail -n 1
}

install_packages() {
    local package version missing=()
    version=$(newest_server)
    for package in "${packages[@]}" ${version:+postgresql-server-dev-"$version"}; do
        installed "$package" || missing+=("$package")
    done
    [[ ! $version || ${missing[*]} ]] || return 0

    local log=$work/apt.log apt=(apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120)
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    "${apt[@]}" update >"$log" 2>&1 || say "apt-get update failed; going on with the lists that are there"
    if [[ ! $version ]]; then
        version=$(apt-cache search --names-only '^postgresql-[0-9]+$' | sed -E 's/^postgresql-([0-9]+) .*/\1/' |
            sort -n | tail -n 1)
        [[ $version ]] || die "the distribution has no package postgresql-N"
        missing+=("postgresql-$version" "postgresql-server-dev-$version")
    fi
    say "installing ${missing[*]}"

    # Debian starts a cluster called main with the first server; a file that is gone afterwards prevents that.
    local folder=/etc/postgresql-common/createcluster.d
    no_main=$folder/easq-no-main.conf
    mkdir -p "$folder"
    echo 'create_main_cluster = false' >"$no_main"
    "${apt[@]}" install --no-install-recommends "${missing[@]}" >>"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "installing failed"
    }
    rm -f "$no_main"
}

find_server() {
    local version
    version=$(newest_server)
    if [[ ! ${PG_CONFIG:-} ]]; then
        PG_CONFIG=/usr/lib/postgresql/$version/bin/pg_config
        [[ -x $PG_CONFIG ]] || PG_CONFIG=$(command -v pg_config) || PG_CONFIG=
    fi
    local missing=()
    command -v gcc >/dev/null || missing+=(gcc)
    command -v make >/dev/null || missing+=(make)
    [[ $PG_CONFIG && -x $("$PG_CONFIG" --bindir)/postgres ]] || missing+=("postgresql-${version:-N}")
    [[ $PG_CONFIG && -f $("$PG_CONFIG" --pgxs) ]] || missing+=("postgresql-server-dev-${version:-N}")
    [[ ! ${missing[*]} ]] || die "missing: ${missing[*]} (as root on Debian, this command installs them)"
    ((EUID)) || id postgres >/dev/null 2>&1 || die "servers refuse root and there is no user postgres; run this as another user"
}

# PostgreSQL finds its files relative to its programs, so a copy of them is an installation of its own.
copy_server() {
    local bin dir program
    bin=$("$PG_CONFIG" --bindir)
    if [[ ! -d $server ]]; then
        mkdir -p "$server$bin"
        for program in "$bin"/{postgres,initdb,psql,pgbench,createdb,dropdb,createuser,dropuser,vacuumdb,reindexdb,pg_*}; do
            [[ ! -f $program ]] || cp -pL "$program" "$server$bin"
        done
        for dir in "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)"; do
            mkdir -p "$server${dir%/*}"
            cp -a "$dir" "$server$dir"
        done
        dir=$("$PG_CONFIG" --includedir)
        mkdir -p "$server${dir%/*}"
        ln -s "$dir" "$server$dir"
    fi
    PG_CONFIG=$server$bin/pg_config
    PATH=$server$bin:$PATH
    rm -rf "$("$PG_CONFIG" --pkglibdir)"/{,bitcode/}easq* "$("$PG_CONFIG" --sharedir)"/extension/easq{.control,--*}
}

# Same times in the copy, so that make builds only what changed where EASQ_BUILD keeps the objects.
copy_source() {
    find "$tree" ! -type d ! -name '*.o' ! -name '*.d' ! -name '*.so' -delete
    tar -C "$source_dir" --exclude=./.git --exclude='*.o' --exclude='*.d' --exclude='*.so' --exclude=./test/results \
        --exclude=tmp_check -cf - . | tar -C "$tree" --no-same-owner -xf -
}

build() {
    local before=$SECONDS
    copy_server
    copy_source
    chmod 755 "$work" "$tree"
    ((EUID)) || chown -R postgres: "$work" "$tree" "$server"
    "${as[@]}" test -w "$tree" || die "$tree is closed to the user postgres; choose an EASQ_BUILD under /tmp"
    run "$work/build.log" make -j "$(nproc)" PG_CONFIG="$PG_CONFIG" all install || {
        grep -E '(error|warning):|Error [0-9]|needs|undefined' "$work/build.log" | head -n 40 >&2 || tail -n 40 "$work/build.log" >&2
        die "the build failed"
    }
    say "built for $("$PG_CONFIG" --version) in $((SECONDS - before)) s"
}

start_cluster() {
    local setting
    run "$work/initdb.log" initdb -D "$work/data" -U postgres --auth trust -E UTF8 --locale C.UTF-8 --no-sync ||
        die "initdb failed: $(tail -n 5 "$work/initdb.log")"
    for setting in fsync=off listen_addresses="''" unix_socket_directories="'$work'" "$@"; do
        echo "$setting" >>"$work/data/postgresql.conf"
    done
    run "$work/start.log" pg_ctl -D "$work/data" -l "$work/server.log" -w start ||
        die "the server does not start: $(tail -n 5 "$work/server.log" "$work/start.log")"
    export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}

# Servers of TAP tests that were broken off count too.  A process is ours only if it works in our folder.
stop_servers() {
    local file pid tries
    find "$work" "$tree" -name postmaster.pid | sort -u | while read -r file; do
        pid=$(head -n 1 "$file")
        for tries in {1..100}; do
            [[ /proc/$pid/cwd -ef ${file%/*} ]] || break
            if ((tries == 1)); then kill -INT "$pid"; elif ((tries == 60)); then kill -QUIT "$pid"; fi
            sleep 0.1
        done
    done
}

finish() {
    trap '' INT TERM HUP
    if [[ $child ]]; then
        kill "$child" 2>/dev/null || true
        wait "$child" || true
    fi
    [[ ! ${no_main:-} ]] || rm -f "$no_main"
    stop_servers
    if [[ $keep ]]; then say "kept: $work"; else rm -rf "$work"; fi
}

start_easq() {
    # Not TMPDIR: it may be closed to the user postgres.
    work=$(mktemp -d /tmp/easq.XXXXXX)
    tree=$work
    export HOME=$work TMPDIR=$work
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    if ((EUID == 0)) && command -v apt-get >/dev/null; then install_packages; fi
    find_server
    folder=$work
    [[ ! ${EASQ_BUILD:-} ]] || folder=$EASQ_BUILD/$("$PG_CONFIG" --version | tr -dc '[:alnum:].')
    tree=$folder/tree server=$folder/server
    mkdir -p "$tree"
    build
    start_cluster "$@"
}
