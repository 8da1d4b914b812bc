#!/bin/bash
# The same swarm by hand: five managers and three workers over three zones, formed with the plain
# docker CLI, as an operator would: worker joins side by side, labels, one promotion at a time.
# Prints one line of JSON with seconds: engines (start to every engine answering), formed (from
# there to every manager reachable and every worker ready). With --hurt besides: replaced (one
# manager's power cut, its removal, a new engine, its promotion) and leader (the power of the leader's
# zone cut, until a survivor names a new leader).
# Needs root, iproute2, docker.io. Everything it makes lies in its own namespaces and folder.
set -euo pipefail

hurt=${1:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d /tmp/by-hand.XXXX)
tag=qb$$
hosts='m1 m2 m3 m4 m5 w1 w2 w3'
[ "$hurt" = --hurt ] && spare=m6 || spare=
declare -A zone=([m1]=a [m2]=a [m3]=b [m4]=b [m5]=c [m6]=a [w1]=a [w2]=b [w3]=c)
number=10
declare -A address

now() { date +%s.%N; }
since() { echo "$(now) - $1" | bc -l 2>/dev/null || awk -v a="$1" -v b="$(now)" 'BEGIN{printf "%.3f", b-a}'; }
on() { local host=$1; shift; docker -H "unix://$work/$host/run/docker.sock" "$@"; }

clean() {
    set +e
    for host in $hosts $spare; do
        [ -f "$work/$host/pid" ] && kill -9 "$(cat "$work/$host/pid")" 2>/dev/null
    done
    wait 2>/dev/null
    for host in $hosts $spare; do
        for pid in $(ip netns pids "$tag-$host" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
        ip netns del "$tag-$host" 2>/dev/null
    done
    ip netns del "$tag-net" 2>/dev/null
    sleep 0.3
    for group in /sys/fs/cgroup/*/"$tag" /sys/fs/cgroup/"$tag"; do
        [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
    done
    rm -rf "$work"
    true
}
trap clean EXIT
trap 'exit 130' INT TERM

network() {
    ip netns add "$tag-net"
    ip -n "$tag-net" link add br0 type bridge
    ip -n "$tag-net" link set br0 up
    for host in $hosts $spare; do
        address[$host]=10.99.0.$number
        number=$((number + 1))
        ip netns add "$tag-$host"
        ip -n "$tag-$host" link add eth0 type veth peer name "v$host" netns "$tag-net"
        ip -n "$tag-net" link set "v$host" master br0 up
        ip -n "$tag-$host" addr add "${address[$host]}/24" dev eth0
        ip -n "$tag-$host" link set eth0 up
        ip -n "$tag-$host" link set lo up
        ip -n "$tag-$host" route add default dev eth0
    done
}

engine() {
    local host=$1
    mkdir -p "$work/$host/run" "$work/$host/lib"
    nsenter --net="/run/netns/$tag-$host" unshare -m -u -i -p -f --kill-child --mount-proc sh -c "
        hostname $host; mount --make-rprivate /
        mount --bind $work/$host/run /run; mount --bind $work/$host/lib /var/lib/docker
        exec dockerd -H unix:///run/docker.sock --cgroup-parent /$tag/$host --log-level error" \
        >"$work/$host/log" 2>&1 &
    echo $! >"$work/$host/pid"
    disown
}

answers() { # about one engine in fifty hangs waiting for its containerd: start that one again
    for attempt in 1 2 3; do
        for _ in $(seq 200); do
            on "$1" version >/dev/null 2>&1 && return
            sleep 0.05
        done
        [ "$attempt" = 3 ] || { kill -9 "$(cat "$work/$1/pid")" 2>/dev/null; rm -rf "$work/$1/run"; engine "$1"; }
    done
    echo "by_hand: the engine of $1 does not answer: $(tail -n 1 "$work/$1/log")" >&2
    return 1
}

id_of() { on m1 node ls --filter "name=$1" --format '{{.ID}} {{.Status}}' | awk '$2=="Ready"{print $1}'; }

promote() { # and wait until it is reachable
    local id
    id=$(id_of "$1")
    on m1 node promote "$id" >/dev/null
    until [ "$(on m1 node inspect "$id" --format '{{with .ManagerStatus}}{{.Reachability}}{{end}}')" = reachable ]; do sleep 0.05; done
}

label() { on m1 node update --label-add "quorate.zone=${zone[$1]}" "$(id_of "$1")" >/dev/null; }

join() {
    on "$1" swarm join --token "$token" --listen-addr "${address[$1]}" --advertise-addr "${address[$1]}" "${address[m1]}:2377" >/dev/null
}

network
start=$(now)
for host in $hosts; do engine "$host"; done
for host in $hosts; do answers "$host"; done
engines=$(since "$start")

start=$(now)
on m1 swarm init --listen-addr "${address[m1]}" --advertise-addr "${address[m1]}" --default-addr-pool 10.128.0.0/12 >/dev/null
token=$(on m1 swarm join-token -q worker)
joins=()
for host in m2 m3 m4 m5 w1 w2 w3; do join "$host" & joins+=($!); done
wait "${joins[@]}"
for host in $hosts; do label "$host"; done
for host in m2 m3 m4 m5; do promote "$host"; done
until [ "$(on m1 node ls --format '{{.Status}}' | grep -c Ready)" = 8 ]; do sleep 0.05; done
formed=$(since "$start")

cut() { # first the cables, so that nobody says goodbye
    for host in "$@"; do echo "link set v$host down"; done | ip -n "$tag-net" -force -batch -
    for host in "$@"; do kill -9 "$(cat "$work/$host/pid")"; done
}

replaced=null leader=null
if [ "$hurt" = --hurt ]; then
    gone=$(id_of m2)
    start=$(now)
    cut m2
    engine m6
    answers m6
    join m6
    on m1 node demote "$gone" >/dev/null
    until on m1 node rm --force "$gone" >/dev/null 2>&1; do sleep 0.05; done
    label m6
    promote m6
    replaced=$(since "$start")

    start=$(now)
    cut m1 m6
    PYTHONPATH=$here/../infra "$here/../.venv/bin/python" "$here/new_leader.py" \
        --lost "${address[m1]}" "${address[m6]}" --ask "$work"/m{3,4,5}/run/docker.sock
    leader=$(since "$start")
fi
printf '{"engines": %s, "formed": %s, "replaced": %s, "leader": %s}\n' "$engines" "$formed" "$replaced" "$leader"
