#!/bin/sh
# SPDX-License-Identifier: MIT
# What a user does at the shell, line by line, as on Linux. guest: smp=1,2,4,8; timeout=300
#
# Prints TAP. Everything is put on one boot for each number of harts, since most of the time is the boot.

n=0
is() {          # is NAME GOT EXPECTED
    n=$((n + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $n - $1"
    else
        echo "$2" | sed 's/^/# got:      /'
        echo "$3" | sed 's/^/# expected: /'
        echo "not ok $n - $1"
    fi
}
has() {         # has NAME GOT PATTERN: a line matches
    if echo "$2" | grep -Eq -- "$3"; then is "$1" yes yes; else is "$1" "$2" "a line like $3"; fi
}
state() { awk '/^State/ { print $2 }' "/proc/$1/status"; }
wait_state() {  # wait_state PID STATE
    i=0
    while [ "$(state "$1")" != "$2" ] && [ $i -lt 50 ]; do usleep 20000; i=$((i + 1)); done
    state "$1"
}

cd /tmp || exit 1

# ---- looking around ----
out=$(ls -l /)
has "ls -l / shows bin" "$out" '^drwxr-xr-x +[0-9]+ root +root .* bin$'
has "ls -l / shows a sticky tmp" "$out" '^drwxrwxrwt .* tmp$'
sleep 5 & sleeper=$!
out=$(ps)
has "ps has a heading" "$out" '^PID +USER +TIME +COMMAND'
has "ps shows process 1" "$out" '^ +1 root '
has "ps shows a background job" "$out" " $sleeper root .* sleep 5"
is "/proc is sorted by pid" "$(ps -o pid | sed 1d | sort -nc && echo sorted)" sorted
is "a sleeper sleeps" "$(state $sleeper)" S
is "who reads its own state runs" "$(state self)" R
out=$(top -b -n1)
has "top shows memory" "$out" '^Mem: [0-9]+K used, [0-9]+K free'
has "top shows the job asleep" "$out" "$sleeper +1 root +S .*sleep 5"
kill $sleeper
has "free counts nearly all of 512M" "$(free | awk '/^Mem/ { print ($2 > 440000 && $2 < 524288) ? "nearly" : $2 }')" nearly
has "mount shows the root" "$(mount)" '^[a-z]+ on / type tmpfs \(rw'
has "mount shows /proc" "$(mount)" ' on /proc type proc '
out=$(find / -xdev | sort)
has "find / -xdev finds a program" "$out" '^/bin/busybox$'
is "find / -xdev stays in its file system" "$(echo "$out" | grep -c '^/proc/')" 0
has "df shows the root" "$(df /)" '% /$'
is "uname names Linux" "$(uname -s) $(uname -m)" "Linux riscv64"
has "uname has a release" "$(uname -r)" '^[4-9]\.[0-9]+\.[0-9]+'
is "uname and /proc agree" "$(uname -r) $(uname -v)" "$(cat /proc/sys/kernel/osrelease) $(cat /proc/sys/kernel/version)"

# ---- the shell ----
is "a pipeline of five" "$(seq 1 100 | grep 7 | sed 's/^/x/' | sort -r | tail -n 1)" x17
is "a here-document" "$(cat <<X
a $((6 * 7))
X
)" "a 42"
is "a quoted here-document" "$(tr a-z A-Z <<'X'
$HOME
X
)" '$HOME'
is "command substitution nests" "$(echo "$(echo a $(echo b))" `echo c`)" "a b c"
is "trap takes a signal" "$(sh -c 'trap "echo caught" USR1; kill -USR1 $$; echo after')" "caught
after"
is "trap at the end" "$(sh -c 'trap "echo bye" EXIT; echo hi')" "hi
bye"
is "trap ignores" "$(sh -c 'trap "" TERM; kill -TERM $$; echo here')" here
sh -c 'exit 3' & p=$!
wait $p
is "wait gives the status" $? 3
sh -c 'kill -9 $$' & p=$!
wait $p 2>/dev/null
is "wait gives a signal" $? 137
(sleep 0.1; echo one) >bg & (echo two) >>bg2 & wait
is "wait waits for all" "$(cat bg bg2)" "one
two"
sleep 5 & p=$!
kill -STOP $p
is "kill -STOP stops" "$(wait_state $p T)" T
kill -CONT $p
is "kill -CONT continues" "$(wait_state $p S)" S
kill $p
wait $p 2>/dev/null
is "kill ends it" $? 143
has "time times" "$( { time sleep 0.1; } 2>&1)" '^real	0m [0-9]+\.[0-9]+s$'
has "sleep 0.1 takes a tenth at least" "$( { time sleep 0.1; } 2>&1 | awk '/real/ { sub("s", "", $3); print ($3 >= 0.1) ? "long" : "short " $3 }')" long
is "xargs -P4 loses nothing" "$(seq 1 200 | xargs -n1 -P4 echo | sort -n)" "$(seq 1 200)"
is "a read loop" "$(seq 1 5 | while read -r x; do echo -n "$x."; done)" 1.2.3.4.5.
is "redirections" "$(sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err
is "status of a pipeline's end" "$(false | true; echo $?)" 0
is "a command that is not there" "$(/no/such 2>/dev/null; echo $?)" 127
is "a file that is no program" "$(echo x >plain; ./plain 2>/dev/null; echo $?)" 126

# ---- files and programs ----
mkdir -p d/e
echo hi >d/e/f
ln -s f d/e/s
ln d/e/f d/e/h
is "tar packs" "$(tar cf t.tar d; tar tf t.tar | sort | tr '\n' ' ')" "d/ d/e/ d/e/f d/e/h d/e/s "
mkdir x
tar xf t.tar -C x
is "tar unpacks" "$(diff -r d x/d && readlink x/d/e/s; stat -c %h x/d/e/h)" "f
2"
is "tar with gzip" "$(tar czf - d | tar tzf - | wc -l)" 5
seq 100000 -1 1 >lines
is "sort -n of 100,000 lines" "$(sort -n lines | md5sum)" "$(seq 1 100000 | md5sum)"
is "sort of 100,000 lines" "$(sort lines | md5sum | cut -c1-8)" 338f61e4
gzip -k lines
is "gzip and back" "$(gunzip -c lines.gz | cmp - lines && echo same; [ $(stat -c %s lines.gz) -lt $(stat -c %s lines) ] && echo less)" "same
less"
is "awk sums" "$(awk '{ s += $1 } END { printf "%.0f %.2f\n", s, s / NR }' lines)" "5000050000 50000.50"
is "sed edits in place" "$(sed -i '1s/.*/first/;2,$d' lines; cat lines)" first
is "dd counts" "$(dd if=/dev/zero of=z bs=64k count=160 2>&1 | tail -n 1 | cut -d' ' -f1-2)" "10485760 bytes"
is "md5sum of 10 MB" "$(md5sum z)" "f1c9645dbc14efddc7d8a322685f26eb  z"
is "dd of random bytes" "$(dd if=/dev/urandom bs=1000 count=3 2>/dev/null | wc -c)" 3000
is "cp -a, mv and rm -r" "$(cp -a d d2 && mv d2 d3 && diff -r d d3 && rm -r d3 && ls -d d3 2>&1 | grep -c 'No such')" 1
is "id of root" "$(id -u) $(id -un) $(id -g)" "0 root 0"
is "su becomes another" "$(su -s /bin/sh -c 'id -un; id -u' nobody)" "nobody
65534"
is "another may not write /etc" "$(su -s /bin/sh -c 'echo x >/etc/x' nobody 2>&1 | grep -c 'Permission denied')" 1
is "mknod makes a null device" "$(mknod null c 1 3 && echo x >null && wc -c <null; stat -c '%F %t %T' null)" "0
character special file 1 3"
is "a fifo" "$(mknod p p; (echo through >p &); cat p)" through
is "chmod, chown, umask" "$(touch m; chown 3:4 m; chmod 640 m; stat -c '%a %u %g' m; umask 077; touch u; stat -c %a u)" "640 3 4
600"
is "touch sets times" "$(touch -d '2001-02-03 04:05:06' m; stat -c %y m | cut -c1-19)" "2001-02-03 04:05:06"
is "mount and umount of tmpfs" "$(mkdir mp; mount -t tmpfs none mp && touch mp/x && ls mp; umount mp && ls mp | wc -l)" "x
0"
is "timeout ends a program" "$(timeout 0.2 sleep 5; echo $?)" 143
is "flock excludes" "$(flock lock -c 'flock -n lock -c true; echo $?')" 1
has "nohup, setsid and nice start" "$(nice -n 5 sh -c 'nice'; setsid sh -c 'ps -o pid,sid | grep -c "^ *$$ *$$ *$"')" '^5$'
is "cron-like dates" "$(date -u -d @86400 +%F)" 1970-01-02
is "which system calls are missing is counted" "$(head -n 1 /proc/atoll/unimplemented | cut -c1-3)" pid
has "servers tell their figures" "$(servers)" '^fs  *[0-9][0-9]*  *[0-9.]*  *[1-9][0-9]* '
is "/dev" "$(for f in null zero full random urandom console tty ptmx; do [ -c /dev/$f ] || echo $f; done; echo x >/dev/full 2>&1 || echo full)" full

# ---- no leak ----
used() { sync; usleep 300000; free | awk '/^Mem/ { print $3 }'; }
round() { i=0; while [ $i -lt "$1" ]; do /bin/true; i=$((i + 1)); done; }
round 20
before=$(used)
round 1000
after=$(used)
is "1,000 processes leave no memory behind" "$([ $((after - before)) -lt 400 ] && echo none || echo "$before kB before, $after kB after")" none

rm -rf /tmp/*
echo "1..$n"
