# Makes a node of fresh namespaces: node-init.sh HOME HOSTNAME PROGRAM [ARGUMENT …]
#
# Tells its process id as the host sees it (the old /proc still shows it), then becomes the
# program, the node's first process.
set -e
read -r pid rest < /proc/self/stat
home=$1 hostname=$2
shift 2
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/appliance /run/etc
# A node's /etc is its own, with links to what it shares with the host, which it cannot change.
mount --rbind /etc /run/etc
mount -o remount,bind,ro /run/etc
mount --bind "$home/etc" /etc
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts /dev/pts
mount --bind /dev/pts/ptmx /dev/ptmx
hostname "$hostname"
ip link set lo up
echo "$pid"
exec "$@" 2>> "$home/log"
