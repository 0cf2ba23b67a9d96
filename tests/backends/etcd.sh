# An etcd of our own on loopback.  Source it; etcd_start DIRECTORY sets $etcd,
# its process, and $etcd_url, or fails when there is no etcd.
etcd_start() {
	local port=$((20000 + ($$ % 5000) * 2))
	etcd_url=http://127.0.0.1:$port
	if ! command -v etcd >/dev/null; then
		echo "# no etcd is installed, its example is not tested"
		return 1
	fi
	etcd --data-dir "$1/etcd" --listen-client-urls "$etcd_url" \
	    --advertise-client-urls "$etcd_url" \
	    --listen-peer-urls "http://127.0.0.1:$((port + 1))" \
	    --initial-advertise-peer-urls "http://127.0.0.1:$((port + 1))" \
	    --initial-cluster "default=http://127.0.0.1:$((port + 1))" \
	    --unsafe-no-fsync >"$1/etcd.log" 2>&1 &
	etcd=$!
	for _ in $(seq 200); do
		if python3 -c "
import sys, urllib.request
urllib.request.urlopen(sys.argv[1] + '/health', timeout=2)" \
		    "$etcd_url" 2>/dev/null; then
			return 0
		fi
		sleep 0.1
	done
	echo "not ok - etcd did not start"
	tail -5 "$1/etcd.log"
	return 1
}
