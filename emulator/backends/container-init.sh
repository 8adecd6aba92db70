# The first process of a container: container-init.sh PORT STATE LINK SOCKET PROGRAM [ARGUMENT …]
#
# Standard input and output belong to the lab. First comes the size of a tar file in bytes and
# that file, with what is to be placed in the state folder; then both are joined to the
# program's socket. PORT, where it is not empty, is the container's own LAN port, from which
# Docker's assignment is dropped. The shell reaps what the program leaves behind.
port=$1 state=$2 link=$3 socket=$4
shift 4
[ -z "$port" ] || ip address flush dev "$port" || exit 1
read -r size || exit 1
[ "$size" = 0 ] || head -c "$size" | tar -x -C "$state" || exit 1
exec 3<&0
python3 -S -E "$link" "$socket" <&3 2>/dev/null &
exec 3<&-
"$@" < /dev/null >&2 &
wait $!
