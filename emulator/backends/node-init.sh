# The first process of a node in namespaces: node-init.sh HOME HOSTNAME PROGRAM [ARGUMENT …]
#
# Tells its process id as the host sees it (the old /proc still shows it), waits until its
# cable is plugged in, runs the program, and reaps what the program leaves behind.
set -e
read -r pid rest < /proc/self/stat
home=$1 hostname=$2
shift 2
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/appliance
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$home/etc,workdir=$home/work" /etc
# A login shell makes its PATH anew; on a real box `appliancectl` is in it.
mkdir -p /etc/profile.d
echo 'PATH=/run/appliance/bin:$PATH' > /etc/profile.d/appliance.sh
echo "$hostname" > /proc/sys/kernel/hostname
ip link set lo up
echo "$pid"
read -r go
exec >> "$home/log" 2>&1 < /dev/null
"$@" &
wait $!
