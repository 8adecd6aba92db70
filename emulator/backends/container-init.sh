# The first process of a container: container-init.sh STATE LINK SOCKET PROGRAM [ARGUMENT …]
#
# Standard input and output belong to the lab. First comes the size of a tar file in bytes and
# that file, with what is to be placed in the state folder; then both are joined to the
# program's socket. The size comes when the container's cable is plugged in. The shell reaps
# what the program leaves behind.
state=$1 link=$2 socket=$3
shift 3
read -r size || exit 1
[ "$size" = 0 ] || head -c "$size" | tar -x -C "$state" || exit 1
exec 3<&0
python3 -S -E "$link" "$socket" <&3 2>/dev/null &
exec 3<&-
"$@" < /dev/null >&2 &
wait $!
